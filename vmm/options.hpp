// The words of Ringmaster's command line (README.md lists them), NAME=VALUE or NAME, between spaces.
#pragma once

#include "vmm/log.hpp"
#include "vmm/processor.hpp"

namespace ringmaster {

enum class PagingPolicy : u8 { Shadow, Guest };
enum class BootFrom : u8 { NextDevice, Firmware, Floppy, FirstDisk, SecondDisk };
enum class OnReset : u8 { Restart, Stop };

struct Options {
    IfPolicy if_policy = IF_SHADOW;
    PagingPolicy paging = PagingPolicy::Shadow;
    BootFrom boot = BootFrom::NextDevice;
    OnReset reset = OnReset::Restart;
    LogTarget log = LogTarget::DebugPort;
    u32 live = 0;       // a line every so many exits; 0: none
    bool trace = false; // a line per exit
};
extern Options options;

// The first word may be anything: loaders put the file's name there. Returns a word it does not know, or null.
const char* read_options(const char* command_line);

} // namespace ringmaster
