// Every row of the sections MMX and SSE, through decoder and interpreter, against the host's own processor: random
// registers, memory, MXCSR controls and x87 stack states; the FXSAVE images, general registers, flags and memory after
// the instruction must agree.
#if defined(__x86_64__)

#include "cpu/interpreter/dispatch.hpp"
#include "decoder/decoder.hpp"
#include "decoder/isa.hpp"
#include "tests/unit/cpu/sse_machine.hpp"
#include "tests/unit/cpu/sse_native.hpp"
#include "tests/unit/cpu/sse_operands.hpp"

#include <gtest/gtest.h>
#include <string>

namespace truering {
namespace {

using test::NativeProcessor;
using test::NativeState;
using test::SseMachine;
using test::SseOperands;

constexpr u32 image_at = 0x2000;
constexpr u32 operand_at = 0x3000;
constexpr u32 code_at = 0x10'0000;
constexpr unsigned operand_bytes = 64;
constexpr u32 arithmetic = 0x8D5;

enum Offset : unsigned {
    at_FCW = 0,
    at_FSW = 2,
    at_FTW = 4,
    at_pointers = 6,
    at_MXCSR = 24,
    at_ST0 = 32,
    at_XMM0 = 160,
    at_end = 288
};

bool is_simd(const Row& row) {
    const u16 checks = row.attributes.checks;
    const Feature f = row.attributes.feature;
    return (checks & (check_mmx | check_sse)) != 0 || f == Feature::SSE || f == Feature::SSE2 || f == Feature::CLFSH ||
           row.mnemonic.substr(0, 8) == "PREFETCH";
}

bool has_place(const Row& row, Place place) {
    for (const Operand& operand : row.operands)
        if (operand.place == place) return true;
    return false;
}

// A ModRM register field that is a general register must not be one of those that hold addresses.
unsigned random_register(SseOperands& random, const Row& row, Place place) {
    for (const Operand& operand : row.operands)
        if (operand.place == place && operand.file == RegisterFile::General) return random.below(3);
    return random.below(8);
}

std::vector<u8> encode(const Row& row, bool memory, SseOperands& random) {
    std::vector<u8> code;
    const unsigned reg = random_register(random, row, Place::ModRmG);
    const unsigned rm = memory ? 3 : 0xC0 | random_register(random, row, Place::ModRmE);
    std::string text(row.encoding);
    for (std::size_t at = 0; at < text.size();) {
        const std::string word = text.substr(at, text.find(' ', at) - at);
        at += word.size() + 1;
        if (word == "NP") continue;
        if (word == "/r")
            code.push_back(static_cast<u8>(rm | reg << 3));
        else if (word[0] == '/')
            code.push_back(static_cast<u8>(rm | static_cast<unsigned>(word[1] - '0') << 3));
        else
            code.push_back(static_cast<u8>(std::stoul(word.substr(0, 2), nullptr, 16)));
        if (word.size() > 2 && word[2] == '+') code.back() = static_cast<u8>(code.back() + random.below(8));
    }
    if (has_place(row, Place::Immediate)) code.push_back(static_cast<u8>(random.next()));
    return code;
}

class SseRows : public testing::Test {
  protected:
    SseRows() { machine.cpu.enable_coverage(); }

    template <class T> static void put(NativeState& state, unsigned at, const T& value) {
        std::memcpy(state.fx.data() + at, &value, sizeof(T));
    }

    Packed128 random_xmm() {
        switch (random.below(3)) {
        case 0: return random.floats();
        case 1: return random.doubles();
        default: return random.integers<Packed128>();
        }
    }

    NativeState random_state() {
        NativeState state;
        put<u16>(state, at_FCW, 0x037F);
        put<u16>(state, at_FSW, static_cast<u16>(random.below(8) << 11));
        put<u8>(state, at_FTW, static_cast<u8>(random.next()));
        put<u32>(state, at_MXCSR, (static_cast<u32>(random.next()) & 0xFFFF) | mxcsr::masks);
        for (unsigned i = 0; i < 8; ++i) {
            put(state, at_ST0 + 16 * i, random.integers<Packed64>());
            put<u16>(state, at_ST0 + 16 * i + 8, static_cast<u16>(random.next()));
            put(state, at_XMM0 + 16 * i, random_xmm());
        }
        state.rax = static_cast<u32>(random.integers<Packed64>().get<u32>(0));
        state.rcx = static_cast<u32>(random.next());
        state.rdx = random.below(200);
        state.rflags = 2 | (random.next() & arithmetic);
        return state;
    }

    void load_guest(const NativeState& state) {
        machine.put(image_at, state.fx);
        Cpu& cpu = machine.cpu;
        cpu.gpr[reg_EAX] = static_cast<u32>(state.rax);
        cpu.gpr[reg_ECX] = static_cast<u32>(state.rcx);
        cpu.gpr[reg_EDX] = static_cast<u32>(state.rdx);
        cpu.gpr[reg_EBX] = cpu.gpr[reg_EDI] = operand_at;
        cpu.gpr[reg_ESI] = image_at;
        cpu.arithmetic.set_value(static_cast<u32>(state.rflags) & arithmetic);
    }

    void run_both(const Row& row, std::span<const u8> instruction) {
        NativeState state = random_state();
        std::array<u8, operand_bytes> bytes{};
        for (unsigned i = 0; i < operand_bytes; i += 16) {
            const Packed128 x = random_xmm();
            std::memcpy(bytes.data() + i, &x, sizeof x);
        }
        if (row.mnemonic == "LDMXCSR") {
            bytes[2] = bytes[3] = 0;
            bytes[0] |= 0x80;
            bytes[1] |= 0x1F;
        }
        load_guest(state);
        machine.write(operand_at, bytes);

        alignas(64) std::array<u8, operand_bytes> native_bytes = bytes;
        state.rbx = state.rdi = reinterpret_cast<u64>(native_bytes.data());
        native.execute(instruction, state);

        std::vector<u8> code{0x0F, 0xAE, 0x0E}; // FXRSTOR [ESI]
        code.insert(code.end(), instruction.begin(), instruction.end());
        code.insert(code.end(), {0x0F, 0xAE, 0x06}); // FXSAVE [ESI]
        ASSERT_EQ(machine.run(next_code_, code, 3), std::nullopt);
        next_code_ += 32;
        if (next_code_ + 64 > SseMachine::ram_bytes) next_code_ = code_at;
        compare(state, native_bytes);
    }

    void compare(const NativeState& state, const std::array<u8, operand_bytes>& native_bytes) {
        const auto image = machine.read<std::array<u8, 512>>(image_at);
        for (unsigned i = 0; i < at_end; ++i) {
            if (i >= at_pointers && i < at_MXCSR) continue;
            ASSERT_EQ(+image[i], +state.fx[i]) << "byte " << i << " of the FXSAVE image";
        }
        const auto memory = machine.read<std::array<u8, operand_bytes>>(operand_at);
        ASSERT_EQ(memory, native_bytes);
        ASSERT_EQ(machine.cpu.gpr[reg_EAX], static_cast<u32>(state.rax));
        ASSERT_EQ(machine.cpu.gpr[reg_ECX], static_cast<u32>(state.rcx));
        ASSERT_EQ(machine.cpu.gpr[reg_EDX], static_cast<u32>(state.rdx));
        ASSERT_EQ(machine.cpu.eflags() & arithmetic, static_cast<u32>(state.rflags) & arithmetic);
    }

    void run_row(unsigned row_number, bool memory) {
        const Row& row = isa[row_number];
        SCOPED_TRACE(std::string(row.encoding) + " " + std::string(row.mnemonic) + (memory ? " memory" : " register"));
        for (int n = 0; n < 60; ++n) {
            const std::vector<u8> instruction = encode(row, memory, random);
            std::array<u8, 16> padded{};
            std::copy(instruction.begin(), instruction.end(), padded.begin());
            const Decoded decoded = decode(padded, CodeSize::Bits32, machine.cpu.model.features);
            ASSERT_EQ(decoded.instruction.row, row_number);
            ASSERT_EQ(decoded.instruction.length, instruction.size());
            run_both(row, instruction);
            if (HasFatalFailure()) return;
        }
    }

    SseMachine machine;
    NativeProcessor native;
    SseOperands random{21};

  private:
    u32 next_code_ = code_at;
};

TEST_F(SseRows, AgreeWithTheHostsProcessor) {
    unsigned rows = 0;
    for (unsigned n = 0; n < row_count; ++n) {
        const Row& row = isa[n];
        if (!is_simd(row)) continue;
        ++rows;
        const bool memory_only = has_place(row, Place::Memory);
        const bool both = has_place(row, Place::ModRmE);
        if (!memory_only) run_row(n, false);
        if (memory_only || both) run_row(n, true);
        EXPECT_GT(machine.cpu.coverage()[n], 0U) << row.mnemonic;
    }
    EXPECT_GE(rows, 278U);
}

} // namespace
} // namespace truering

#endif
