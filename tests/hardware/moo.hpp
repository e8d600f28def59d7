// Reading MOO 1.1: tests of single instructions captured on real processors, one file an encoding.
//
// Little-endian chunks of four letters, a length and a payload; they nest, and unknown ones are skipped by length.
#pragma once

#include "base/types.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace truering::moo {

struct MemoryByte {
    u32 address;
    u8 value;
};

// Registers by name, as the file names them: only those present.
using Registers = std::map<std::string, u32>;

struct MachineState {
    Registers registers;
    Registers masks; // of this state alone: AND masks of the registers named
    std::vector<MemoryByte> ram;
};

struct Exception {
    u8 vector;
    u32 flags_address; // where the FLAGS word was pushed; 0: not told
};

struct Test {
    u32 index = 0;
    std::string name;
    std::vector<u8> bytes;
    MachineState initial, final;
    std::optional<Exception> exception;
};

struct File {
    std::string cpu; // "C286", "ZEN4"
    Registers masks; // for every test of the file
    std::vector<Test> tests;
};

// Reads a gzip-compressed file. Throws std::runtime_error for one that is missing or malformed.
[[nodiscard]] File read(const std::string& path);

} // namespace truering::moo
