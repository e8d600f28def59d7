// What is in this program beside its own code: Ringmaster and the guests of the demonstrations, made by the same build
// and put into the data by .incbin, so that they are always there and always fit.
#pragma once

#include "base/types.hpp"

#include <span>

namespace truering::bundled {

std::span<const u8> ringmaster();  // an ELF file
std::span<const u8> nested_vmms(); // the same: a VMM with a VMM in it (tests/vmm/nested)
// The first sectors of disk images, all that their boot sectors read.
std::span<const u8> demo_guest();
std::span<const u8> audit_guest();
std::span<const u8> probe_guest();

} // namespace truering::bundled
