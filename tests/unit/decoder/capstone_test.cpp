// Our decoder against Capstone: random bytes, both code sizes; length and class (instruction or not) must agree, but
// for a list of differences in which the manual is on our side.
//
// TRUERING_DECODER_TESTS sets how many instructions are tried (default 200,000; the slow suite asks for 10 million).
#include "decoder/decoder.hpp"
#include "decoder/format.hpp"
#include "decoder/isa.hpp"

#include <capstone/capstone.h>
#include <cstdlib>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <map>
#include <random>

namespace truering {
namespace {

const FeatureSet pentium4{Feature::FPU,  Feature::VME, Feature::DE,   Feature::PSE,   Feature::TSC,
                          Feature::MSR,  Feature::CX8, Feature::SEP,  Feature::CMOV,  Feature::MMX,
                          Feature::FXSR, Feature::SSE, Feature::SSE2, Feature::CLFSH, Feature::P6_NOP};

class Capstone {
  public:
    explicit Capstone(CodeSize size) {
        if (cs_open(CS_ARCH_X86, size == CodeSize::Bits32 ? CS_MODE_32 : CS_MODE_16, &handle_) != CS_ERR_OK)
            throw std::runtime_error("Capstone does not open");
        insn_ = cs_malloc(handle_);
    }
    ~Capstone() {
        cs_free(insn_, 1);
        cs_close(&handle_);
    }
    Capstone(const Capstone&) = delete;
    Capstone& operator=(const Capstone&) = delete;

    // 0: no instruction.
    unsigned length(std::span<const u8> bytes) {
        const u8* code = bytes.data();
        size_t size = bytes.size();
        u64 address = 0;
        return cs_disasm_iter(handle_, &code, &size, &address, insn_) ? insn_->size : 0;
    }
    [[nodiscard]] std::string text() const { return fmt::format("{} {}", insn_->mnemonic, insn_->op_str); }

  private:
    csh handle_ = 0;
    cs_insn* insn_ = nullptr;
};

struct Opcode {
    unsigned map;
    u8 byte, modrm;
    bool has_lock, has_repeat, has_66;
};

Opcode opcode_of(std::span<const u8> bytes) {
    Opcode op{};
    size_t at = 0;
    for (;; ++at) {
        const u8 b = bytes[at];
        if (b == 0x66)
            op.has_66 = true;
        else if (b == 0xF0)
            op.has_lock = true;
        else if (b == 0xF2 || b == 0xF3)
            op.has_repeat = true;
        else if (b != 0x26 && b != 0x2E && b != 0x36 && b != 0x3E && b != 0x64 && b != 0x65 && b != 0x67)
            break;
    }
    if (bytes[at] == 0x0F) {
        op.map = 1;
        ++at;
    }
    op.byte = bytes[at];
    op.modrm = bytes[at + 1];
    return op;
}

// Why the two may differ; empty if they may not.
std::string known_difference(const Opcode& op, bool ours, bool theirs) {
    const unsigned reg = (op.modrm >> 3) & 7;
    const bool memory = op.modrm < 0xC0;
    if (op.has_lock && !ours) return "LOCK where it is undefined: Capstone does not check";
    if (op.map == 1) {
        switch (op.byte) {
        case 0x0B:
        case 0xB9:
        case 0xFF: return "UD0 and UD1 have a ModRM byte";
        case 0x20:
        case 0x22:
            if (reg == 1 || reg > 4) return "control registers 1 and 5 to 7 do not exist";
            break;
        case 0x21:
        case 0x23: return "debug registers 4 and 5 are a matter of CR4.DE";
        case 0x24:
        case 0x26: return "test registers are gone";
        case 0x05:
        case 0x07: return "SYSCALL and SYSRET are AMD's";
        case 0x38:
        case 0x3A: return "SSSE3 and later";
        case 0x0D:
        case 0x0E:
        case 0x0F: return "3DNow! is AMD's";
        case 0x04:
        case 0x0A:
        case 0x0C:
        case 0x36:
        case 0x37:
        case 0x39:
        case 0x3B:
        case 0x3C:
        case 0x3D:
        case 0x3E:
        case 0x3F: return "no instruction on our models";
        case 0x01:
            if (!memory || reg == 5) return "0F 01 with mod 3: later extensions";
            break;
        case 0x00:
            if (reg > 5) return "0F 00 /6: later";
            break;
        case 0x18:
        case 0x19:
        case 0x1A:
        case 0x1B:
        case 0x1C:
        case 0x1D:
        case 0x1E:
        case 0x1F: return "hint NOPs: Capstone knows some of them";
        case 0xAE: return "0F AE: XSAVE, FSGSBASE and later; SSE2 fences with any rm";
        case 0xC7: return "RDRAND, VMX and others";
        case 0xB8:
        case 0xBC:
        case 0xBD: return "POPCNT, TZCNT, LZCNT: older processors ignore the prefix";
        case 0x12:
        case 0x16:
        case 0x7C:
        case 0x7D:
        case 0xD0:
        case 0xF0: return "SSE3";
        case 0x78:
        case 0x79:
        case 0x7A:
        case 0x7B: return "VMX and SSE4a";
        case 0x2B:
        case 0x2A: return "SSE4a, or a prefix that makes it no SSE2";
        case 0xA6:
        case 0xA7: return "VIA's";
        case 0xAA: return "RSM: there is no system management mode";
        default: break;
        }
        if (op.has_repeat || op.has_66) return ours == theirs ? "" : "a mandatory prefix that is none of this opcode's";
        return "";
    }
    if (op.has_repeat && op.has_66 && (op.byte == 0xE8 || op.byte == 0xE9))
        return "F2 or F3 does not undo 66: the displacement has 16 bits";
    if (op.has_repeat && ours && !theirs) return "F2 and F3 are ignored where they mean nothing";
    switch (op.byte) {
    case 0x8E:
        if (reg == 1 || reg > 5) return "MOV CS, and segment registers 6 and 7";
        break;
    case 0x8C:
        if (reg > 5) return "segment registers 6 and 7";
        break;
    case 0xC4:
    case 0xC5:
    case 0x62:
        if (!memory) return "VEX and EVEX: undefined without AVX";
        break;
    case 0x8F:
        if (reg != 0) return "XOP is AMD's";
        break;
    case 0xC6:
    case 0xC7:
        if (op.modrm == 0xF8) return "TSX";
        break;
    case 0xD8:
    case 0xD9:
    case 0xDA:
    case 0xDB:
    case 0xDC:
    case 0xDD:
    case 0xDE:
    case 0xDF: return "x87 aliases and FISTTP";
    case 0x82: return "82 is an alias of 80";
    case 0xF6:
    case 0xF7:
        if (reg == 1) return "F6 /1 is an alias of /0";
        break;
    case 0xC0:
    case 0xC1:
    case 0xD0:
    case 0xD1:
    case 0xD2:
    case 0xD3:
        if (reg == 6) return "SAL's alias";
        break;
    default: break;
    }
    return "";
}

unsigned long tests_wanted() {
    const char* const wanted = std::getenv("TRUERING_DECODER_TESTS");
    return wanted == nullptr ? 200'000 : std::strtoul(wanted, nullptr, 10);
}

// Random bytes with enough prefixes and 0F in front to reach all of the table.
void fill(std::array<u8, 24>& bytes, std::mt19937& random) {
    for (u8& b : bytes) b = static_cast<u8>(random());
    constexpr u8 prefixes[] = {0x66, 0x67, 0xF2, 0xF3, 0x2E, 0x65, 0xF0};
    size_t at = 0;
    while (at < 4 && random() % 3 == 0) bytes[at++] = prefixes[random() % 7];
    if (random() % 2 == 0) bytes[at] = 0x0F;
}

void compare(CodeSize size, u32 seed) {
    Capstone capstone(size);
    std::mt19937 random(seed);
    std::map<std::string, unsigned> known;
    unsigned unknown = 0;
    for (unsigned long n = tests_wanted(); n != 0 && unknown < 20; --n) {
        std::array<u8, 24> bytes;
        fill(bytes, random);
        const Decoded decoded = decode(bytes, size, pentium4);
        ASSERT_EQ(decoded.status, DecodeStatus::Complete);
        const bool ours = decoded.instruction.row < row_count;
        const unsigned theirs = capstone.length(bytes);
        if (ours == (theirs != 0) && (!ours || theirs == decoded.instruction.length)) continue;
        const std::string reason = known_difference(opcode_of(bytes), ours, theirs != 0);
        if (!reason.empty()) {
            ++known[reason];
            continue;
        }
        ++unknown;
        ADD_FAILURE() << fmt::format("{:02X}: ours {} ({}), Capstone's {} ({})", fmt::join(bytes, " "),
                                     decoded.instruction.length, format(decoded.instruction, 0), theirs,
                                     theirs != 0 ? capstone.text() : "none");
    }
    for (const auto& [reason, count] : known) fmt::print("{:8} {}\n", count, reason);
}

TEST(AgainstCapstone, Code32) { compare(CodeSize::Bits32, 1); }
TEST(AgainstCapstone, Code16) { compare(CodeSize::Bits16, 2); }

} // namespace
} // namespace truering
