// The processor as the VMM's own code uses it: names of bits, and instructions that C++ has no word for.
//
// Source: SDM volume 3A chapter 2 (control registers, EFLAGS), volume 2 (instructions).
#pragma once

#include "base/bits.hpp"
#include "base/control_area.h"
#include "base/types.hpp"
#include "vmm/shadow/guest_paging.hpp" // the bits of CR0, CR4 and EFER that decide on paging

namespace ringmaster {

using namespace truering;
using namespace truering::v32;

inline constexpr u32 CR0_PE = 1u << 0;
inline constexpr u32 CR0_MP = 1u << 1;
inline constexpr u32 CR0_EM = 1u << 2;
inline constexpr u32 CR0_TS = 1u << 3;
inline constexpr u32 CR0_ET = 1u << 4;
inline constexpr u32 CR0_NE = 1u << 5;
inline constexpr u32 CR0_AM = 1u << 18;

inline constexpr u32 CR0_defined =
    CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD | CR0_PG;

inline constexpr u32 CR4_VME = 1u << 0;
inline constexpr u32 CR4_PVI = 1u << 1;
inline constexpr u32 CR4_TSD = 1u << 2;
inline constexpr u32 CR4_DE = 1u << 3;
inline constexpr u32 CR4_MCE = 1u << 6;
inline constexpr u32 CR4_PCE = 1u << 8;
inline constexpr u32 CR4_OSFXSR = 1u << 9;
inline constexpr u32 CR4_OSXMMEXCPT = 1u << 10;
inline constexpr u32 CR4_UMIP = 1u << 11;

enum EflagsBits : u32 {
    EFLAGS_CF = 1u << 0,
    EFLAGS_fixed = 1u << 1,
    EFLAGS_PF = 1u << 2,
    EFLAGS_AF = 1u << 4,
    EFLAGS_ZF = 1u << 6,
    EFLAGS_SF = 1u << 7,
    EFLAGS_TF = 1u << 8,
    EFLAGS_IF = 1u << 9,
    EFLAGS_DF = 1u << 10,
    EFLAGS_OF = 1u << 11,
    EFLAGS_IOPL = 3u << 12,
    EFLAGS_NT = 1u << 14,
    EFLAGS_RF = 1u << 16,
    EFLAGS_VM = 1u << 17,
    EFLAGS_AC = 1u << 18,
    EFLAGS_VIF = 1u << 19,
    EFLAGS_VIP = 1u << 20,
    EFLAGS_ID = 1u << 21,
};

// Indices in StateRecord::gpr and StateRecord::segment.
enum Gpr : unsigned { EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI };
enum SegmentRegister : unsigned { ES, CS, SS, DS, FS, GS, LDTR, TR };

enum class Vector : u32 {
    DE = 0,
    DB = 1,
    NMI = 2,
    BP = 3,
    OF = 4,
    BR = 5,
    UD = 6,
    NM = 7,
    DF = 8,
    TS = 10,
    NP = 11,
    SS = 12,
    GP = 13,
    PF = 14,
    MF = 16,
    AC = 17,
    MC = 18,
    XM = 19,
};

enum CpuidEdx : u32 { // leaf 1
    CPUID_VME = 1u << 0,
    CPUID_DE = 1u << 2,
    CPUID_PSE = 1u << 3,
    CPUID_TSC = 1u << 4,
    CPUID_PAE = 1u << 6,
    CPUID_MCE = 1u << 7,
    CPUID_APIC = 1u << 9,
    CPUID_SEP = 1u << 11,
    CPUID_PGE = 1u << 13,
    CPUID_CMOV = 1u << 15,
    CPUID_PSE36 = 1u << 17,
    CPUID_V32 = 1u << V32_CPUID_EDX_BIT,
    CPUID_FXSR = 1u << 24,
    CPUID_SSE = 1u << 25,
};

struct CpuidAnswer {
    u32 eax, ebx, ecx, edx;
};

inline CpuidAnswer cpuid(u32 leaf, u32 subleaf = 0) {
    CpuidAnswer a{};
    asm volatile("cpuid" : "=a"(a.eax), "=b"(a.ebx), "=c"(a.ecx), "=d"(a.edx) : "a"(leaf), "c"(subleaf));
    return a;
}

inline u8 in8(u16 port) {
    u8 value = 0;
    asm volatile("inb %w1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
inline u16 in16(u16 port) {
    u16 value = 0;
    asm volatile("inw %w1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
inline u32 in32(u16 port) {
    u32 value = 0;
    asm volatile("inl %w1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
inline void out8(u16 port, u8 value) { asm volatile("outb %0, %w1" : : "a"(value), "Nd"(port) : "memory"); }
inline void out16(u16 port, u16 value) { asm volatile("outw %0, %w1" : : "a"(value), "Nd"(port) : "memory"); }
inline void out32(u16 port, u32 value) { asm volatile("outl %0, %w1" : : "a"(value), "Nd"(port) : "memory"); }

inline u64 rdtsc() {
    u64 value = 0;
    asm volatile("rdtsc" : "=A"(value));
    return value;
}
inline u64 rdmsr(u32 index) {
    u64 value = 0;
    asm volatile("rdmsr" : "=A"(value) : "c"(index));
    return value;
}
inline void wrmsr(u32 index, u64 value) { asm volatile("wrmsr" : : "c"(index), "A"(value) : "memory"); }

inline u32 read_cr0() {
    u32 value = 0;
    asm volatile("mov %%cr0, %0" : "=r"(value));
    return value;
}
inline u32 read_cr2() {
    u32 value = 0;
    asm volatile("mov %%cr2, %0" : "=r"(value));
    return value;
}
inline u32 read_cr3() {
    u32 value = 0;
    asm volatile("mov %%cr3, %0" : "=r"(value));
    return value;
}
inline void write_cr4(u32 value) { asm volatile("mov %0, %%cr4" : : "r"(value) : "memory"); }

// 64 by 32 bits, where the quotient may need 64: no support library is linked.
constexpr u64 divide(u64 dividend, u32 divisor) {
    const u32 high = static_cast<u32>(dividend >> 32);
    const u32 top = high / divisor;
    u32 low = 0, rest = 0;
    if (__builtin_is_constant_evaluated()) return dividend / divisor;
    asm("divl %4" : "=a"(low), "=d"(rest) : "a"(static_cast<u32>(dividend)), "d"(high % divisor), "rm"(divisor));
    return u64{top} << 32 | low;
}

} // namespace ringmaster
