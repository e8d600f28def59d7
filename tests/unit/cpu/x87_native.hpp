// The host's own x87 unit as the oracle: an instruction's bytes run natively on a given FPU state.
//
// A page of code holds FRSTOR [rdi]; the instruction; FNSAVE [rdi]; RET. FNSAVE does not wait, so unmasked exceptions
// stay pending and end with the save. rsi points to a memory operand; encode [rsi] as ModRM.mod = 0, rm = 6.
// Only on x86-64 hosts that map pages to write and execute; available() tells.
#pragma once

#include "base/types.hpp"

#include <cstring>
#include <initializer_list>
#include <sys/mman.h>

namespace truering::test {

// The image of FNSAVE with 32-bit operands in protected mode.
#pragma pack(push, 1)
struct SaveImage {
    u32 control_word;
    u32 status_word;
    u32 tag_word;
    u32 fip;
    u32 fcs_opcode;
    u32 fdp;
    u32 fds;
    u8 st[8][10]; // ST(0) first
};
#pragma pack(pop)
static_assert(sizeof(SaveImage) == 108);

class NativeX87 {
  public:
    NativeX87() {
#if defined(__x86_64__)
        void* page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (page != MAP_FAILED) code_ = static_cast<u8*>(page);
#endif
    }
    ~NativeX87() {
        if (code_ != nullptr) munmap(code_, 4096);
    }
    NativeX87(const NativeX87&) = delete;
    NativeX87& operator=(const NativeX87&) = delete;

    [[nodiscard]] bool available() const { return code_ != nullptr; }

    // Runs one instruction; returns the EFLAGS that it left of those (low 32 bits) that came in.
    u32 run(const u8* instruction, size_t length, SaveImage& image, void* operand, u32 eflags = 0x202) {
        u8* p = code_;
        const auto emit = [&p](std::initializer_list<u8> bytes) {
            for (const u8 b : bytes) *p++ = b;
        };
        emit({0xDD, 0x27}); // frstor [rdi]
        emit({0x52, 0x9D}); // push rdx; popfq
        std::memcpy(p, instruction, length);
        p += length;
        emit({0x9C, 0x58}); // pushfq; pop rax
        emit({0xDD, 0x37}); // fnsave [rdi]
        emit({0xC3});
        u64 result = 0;
        using Code = u64 (*)(SaveImage*, void*, u64);
        Code function;
        std::memcpy(&function, &code_, sizeof(function));
        result = function(&image, operand, eflags);
        return static_cast<u32>(result);
    }

  private:
    u8* code_ = nullptr;
};

} // namespace truering::test
