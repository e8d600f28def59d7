// The host's processor as the oracle: one instruction with given register contents, in 64-bit mode, whose MMX and SSE
// encodings without REX prefix are IA-32's. Memory operands are [EBX] there and [RBX] here.
#pragma once

#include "base/types.hpp"

#include <array>
#include <cstring>
#include <span>
#include <stdexcept>
#include <sys/mman.h>
#include <vector>

namespace truering::test {

// What an instruction sees and leaves: the FXSAVE image and the general registers it may use.
struct alignas(64) NativeState {
    std::array<u8, 512> fx{};
    u64 rax = 0, rcx = 0, rdx = 0, rbx = 0, rsi = 0, rdi = 0;
    u64 rflags = 2;
};
static_assert(sizeof(NativeState) == 576);

class NativeProcessor {
  public:
    NativeProcessor() {
        void* page = mmap(nullptr, page_bytes, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (page == MAP_FAILED) throw std::runtime_error("no executable page for the native oracle");
        code_ = static_cast<u8*>(page);
    }
    ~NativeProcessor() { munmap(code_, page_bytes); }
    NativeProcessor(const NativeProcessor&) = delete;
    NativeProcessor& operator=(const NativeProcessor&) = delete;

    void execute(std::span<const u8> instruction, NativeState& state) {
        std::vector<u8> code(before.begin(), before.end());
        code.insert(code.end(), instruction.begin(), instruction.end());
        code.insert(code.end(), after.begin(), after.end());
        std::memcpy(code_, code.data(), code.size());
        u32 mxcsr = 0;
        asm volatile("stmxcsr %0" : "=m"(mxcsr));
        void (*entry)(NativeState*) = nullptr;
        std::memcpy(&entry, &code_, sizeof(entry));
        entry(&state);
        asm volatile("fninit\n ldmxcsr %0" : : "m"(mxcsr));
    }

  private:
    static constexpr std::size_t page_bytes = 4096;

    // push rbx, rbp; mov rbp, rdi; fxrstor [rbp]; push [rbp+560]; popfq; mov rax..rdi, [rbp+512..]
    static constexpr auto before =
        std::to_array<u8>({0x53, 0x55, 0x48, 0x89, 0xFD, 0x0F, 0xAE, 0x4D, 0x00, 0xFF, 0xB5, 0x30, 0x02, 0, 0, 0x9D, //
                           0x48, 0x8B, 0x85, 0x00, 0x02, 0,    0,    0x48, 0x8B, 0x8D, 0x08, 0x02, 0,    0,          //
                           0x48, 0x8B, 0x95, 0x10, 0x02, 0,    0,    0x48, 0x8B, 0x9D, 0x18, 0x02, 0,    0,          //
                           0x48, 0x8B, 0xB5, 0x20, 0x02, 0,    0,    0x48, 0x8B, 0xBD, 0x28, 0x02, 0,    0});
    // pushfq; pop [rbp+560]; mov [rbp+512..], rax..rdi; fxsave [rbp]; cld; pop rbp, rbx; ret
    static constexpr auto after =
        std::to_array<u8>({0x9C, 0x8F, 0x85, 0x30, 0x02, 0,    0,                                        //
                           0x48, 0x89, 0x85, 0x00, 0x02, 0,    0,    0x48, 0x89, 0x8D, 0x08, 0x02, 0, 0, //
                           0x48, 0x89, 0x95, 0x10, 0x02, 0,    0,    0x48, 0x89, 0x9D, 0x18, 0x02, 0, 0, //
                           0x48, 0x89, 0xB5, 0x20, 0x02, 0,    0,    0x48, 0x89, 0xBD, 0x28, 0x02, 0, 0, //
                           0x0F, 0xAE, 0x45, 0x00, 0xFC, 0x5D, 0x5B, 0xC3});

    u8* code_;
};

} // namespace truering::test
