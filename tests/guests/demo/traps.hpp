// Interrupts and exceptions: the IDT, and the one function that all of them reach.
//
// Each vector has a stub (trap_entries.S) that completes what the processor pushed to the picture below and calls
// dispatch(). The frame that dispatch() returns is the one that IRET goes back by: returning another task's frame *is*
// the task switch.
#pragma once

#include <stdint.h>

namespace demo {

struct Frame {
    uint32_t gs, fs, es, ds;                            // pushed by the stub
    uint32_t edi, esi, ebp, unused, ebx, edx, ecx, eax; // PUSHA
    uint32_t vector;                                    // pushed by the vector's own stub,
    uint32_t error_code;                                //   with 0 here where the processor pushes none
    uint32_t eip, cs, eflags;                           // pushed by the processor,
    uint32_t esp, ss;                                   //   these two only when it came from ring 3

    bool from_user() const { return (cs & 3) == 3; }
};

// A handler gets the frame of what was interrupted and returns the frame to go on with.
using Handler = Frame* (*)(Frame*);

namespace vector {
constexpr uint32_t GP = 13, PF = 14;              // exceptions, SDM volume 3, table 6-1
constexpr uint32_t timer = 0x20, keyboard = 0x21; // where pic.cpp puts IRQ 0 and IRQ 1
constexpr uint32_t system_call = 0x80;
} // namespace vector

void load_traps();
void handle(uint32_t vector, Handler handler);

} // namespace demo
