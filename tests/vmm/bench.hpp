// A machine for the tests of Ringmaster, seen from the host: nothing that is said here about memory comes from the VMM.
//
// The same guest can be run bare and under Ringmaster; time is that of executed instructions, so a run is repeatable.
// What the guest says on COM1 is kept; so is what Ringmaster says (port E9H), which is believed in one thing only,
// where the hidden range lies, and that is checked against the bytes of its file.
//
// Life: construct, run() to the end of the machine's run, then look at `serial`, `console`, memory().
#pragma once

#include "machine/run_loop.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace truering::vmm_tests {

struct BenchSetup {
    std::string guest;                      // an ELF file, started by the boot ROM
    std::optional<std::string> vmm_options; // Ringmaster's; nothing: the bare machine
    u64 memory = u64{64} << 20;
    std::string_view cpu = "pentium4";
    std::vector<DriveRequest> drives = {};
    u64 instructions = 4'000'000'000; // at most
};

struct Range {
    u64 begin = 0, end = 0;

    [[nodiscard]] bool contains(u64 address) const { return address >= begin && address < end; }
    [[nodiscard]] u64 size() const { return end - begin; }
};

class Bench {
  public:
    explicit Bench(const BenchSetup& setup);

    End run();

    // What the guest has said on COM1, without carriage returns, and Ringmaster on port E9H.
    [[nodiscard]] std::string serial() const;
    [[nodiscard]] const std::string& console() const { return console_.text; }

    // Where Ringmaster lives; empty on the bare machine, or if it has not said so.
    [[nodiscard]] Range hidden() const;

    // All RAM, as it is now and as it was when the guest's image had just been placed.
    [[nodiscard]] std::span<const u8> memory() { return pc_->memory.ram(); }
    [[nodiscard]] const std::vector<u8>& memory_at_start() const { return at_start_; }

    [[nodiscard]] Pc& pc() { return *pc_; }

  private:
    struct Sink final : SerialSink {
        std::string text;
        void transmit(u8 byte) override { text += static_cast<char>(byte); }
    };
    // Nobody looks on.
    struct Nobody final : Frontend {
        void attend() override {}
        void sleep(std::chrono::nanoseconds) override {}
        [[nodiscard]] bool expects_input() const override { return false; }
        void paused(const End&) override {}
    };

    Sink com1_, console_;
    Nobody nobody_;
    std::vector<u8> at_start_;
    std::unique_ptr<Pc> pc_;
    Policy policy_;
};

// Why a run ended, for people.
std::string words(const End& end);

// An ELF file of ours, as far as the tests look at it: sections that nothing may ever change, and symbols.
class ElfFile {
  public:
    explicit ElfFile(const std::string& path);

    struct Part {
        std::string name;
        u32 address; // linear
        std::vector<u8> bytes;
    };
    // .text and .rodata.
    [[nodiscard]] const std::vector<Part>& constant_parts() const { return parts_; }

    struct Symbol {
        u32 address, size;
    };
    // The one whose mangled name has this within it.
    [[nodiscard]] std::optional<Symbol> symbol(const std::string& part_of_name) const;

  private:
    struct Named {
        std::string name;
        Symbol where;
    };
    std::vector<Part> parts_;
    std::vector<Named> symbols_;
};

// The linear address of the hidden range's first byte (vmm/image.ld).
inline constexpr u32 ringmaster_linear_base = 0xF000'0000;

std::string ringmaster_path();                   // of this build
std::string image_path(const std::string& name); // a guest of this build: "conformance/paging.elf"

} // namespace truering::vmm_tests
