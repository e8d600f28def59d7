// The conformance harness as part of these images: its file has the stem of this folder's own harness.
#include "tests/conformance/protection/harness.cpp"
