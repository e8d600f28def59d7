// The benchmark kernels: each does `turns` turns of one kind of work and returns a checksum of it.
//
// The tables are the single list: the driver reads names and groups from them. The portable kernels, in one object file
// a subject, are linked into the bare-metal image and into a Linux program alike, so that "native" runs the very same
// instructions; the others need a machine of their own.
//
// Invariants: a kernel prepares what it reads, so that any of them may follow any other; its checksum depends on
// nothing but the turns, never on an address, so that whoever runs it comes to the same.
#pragma once

#include <stdint.h>

namespace bench {

struct Kernel {
    const char* name;
    const char* group; // the driver's name of the goal that it counts for
    uint32_t (*run)(uint32_t turns);
    uint32_t needs = 0;              // bits of CPUID leaf 1, EDX
    bool (*is_possible)() = nullptr; // when that does not tell
};

constexpr uint32_t needs_SEP = 1u << 11, needs_SSE = 1u << 25, needs_SSE2 = 1u << 26;

struct KernelList {
    const Kernel* first;
    uint32_t count;
};

KernelList portable_kernels();
KernelList machine_kernels();

// What the machine or the program lends to the kernels: memory mapped by 4 KiB pages, writable, executable.
constexpr uint32_t big_memory_bytes = 64u << 20;
void* big_memory();

// integer.cpp, sha256.cpp
uint32_t alu(uint32_t turns);
uint32_t multiply_divide(uint32_t turns);
uint32_t flags(uint32_t turns);
uint32_t bytes(uint32_t turns);
uint32_t sort(uint32_t turns);
uint32_t crc32(uint32_t turns);
uint32_t sha256(uint32_t turns);

// jumps.cpp, bytecode.cpp
uint32_t calls(uint32_t turns);
uint32_t indirect_calls(uint32_t turns);
uint32_t indirect_jumps(uint32_t turns);
uint32_t bytecode(uint32_t turns);

// memory.cpp
uint32_t copy(uint32_t turns);
uint32_t copy_aliased(uint32_t turns);
uint32_t copy_bytes(uint32_t turns);
uint32_t unaligned(uint32_t turns);
uint32_t rep_movs(uint32_t turns);
uint32_t rep_movs_bytes(uint32_t turns);
uint32_t rep_stos(uint32_t turns);
uint32_t repne_scas(uint32_t turns);
uint32_t repe_cmps(uint32_t turns);
uint32_t chase_16k(uint32_t turns);
uint32_t chase_4m(uint32_t turns);
uint32_t chase_64m(uint32_t turns);

// x87.cpp, sse.cpp
uint32_t mandelbrot_x87(uint32_t turns);
uint32_t x87_extended(uint32_t turns);
uint32_t x87_transcendental(uint32_t turns);
uint32_t mandelbrot_sse2(uint32_t turns);
uint32_t matrix_sse(uint32_t turns);
uint32_t matrix_sse2(uint32_t turns);
uint32_t simd_integer(uint32_t turns);
uint32_t sse_single(uint32_t turns);
uint32_t sse2_double(uint32_t turns);
uint32_t sse2_integer(uint32_t turns);

// changing_code.cpp
uint32_t patched_code(uint32_t turns);
uint32_t data_beside_code(uint32_t turns);
uint32_t code_once(uint32_t turns);
uint32_t code_twice(uint32_t turns);

} // namespace bench
