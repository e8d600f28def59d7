// A VMM below a VMM: V32 mode for a guest that is itself a VMM (docs/v32.md, 3: V32ENTER in the mode exits).
//
// Three parties: this *lower* VMM on the processor; the *upper* one, its guest, which believes that it has the mode;
// the *inner* guest, which the upper VMM enters. The processor knows two control areas, both the lower VMM's: one runs
// the upper VMM as an ordinary guest, the other the inner guest. V32ENTER by the upper VMM exits: the lower copies the
// upper's area to the second of its own, adds what it wants for itself, and enters that; the checks of docs/v32.md, 7.1
// are the processor's. An exit from the inner guest goes up: exit information and guest record are copied to the upper
// VMM's area, its VMM record becomes its state again, and the event is delivered through its IDT by hand. What the
// lower VMM alone has asked for (port 80H) it does, and enters again: the upper VMM sees nothing of it.
//
// The upper VMM is an image of tests/v32, unchanged: what it proves of the processor on the bare machine, it proves
// here of the lower VMM. Memory is not divided, and paging is the upper VMM's own while it has any; PAE and task
// switches of the upper VMM itself are not there: the lower one says so and gives up.
#pragma once

#include "base/control_area.h"

namespace nested {

using namespace truering;
using namespace truering::v32;

enum Register { EAX, ECX, EDX, EBX, ESP };
enum Segment { ES, CS, SS, DS, FS, GS, LDTR, TR };

// The upper VMM's area runs the upper VMM; the inner area its guest.
extern ControlArea upper_area, inner_area;

// What the upper VMM believes to have; its record in upper_area has what it runs on.
struct Visible {
    u32 cr0, cr3, cr4;
    u32 vca; // V32_VCA, low half
};
extern Visible visible;

// How often, for the last line.
struct Counters {
    u32 entries, refused, reflected, kept;
};
extern Counters counters;

void say(const char* text);
void say_decimal(u32 value);
[[noreturn]] void give_up(const char* why);

// upper.cpp
void start_upper(); // its image is placed, its state is a Multiboot loader's
void handle_upper_exit();
void raise_in_upper(u32 vector, u32 error_code); // no_error_code: none
inline constexpr u32 no_error_code = ~0u;
void show_registers(); // visible -> the record

// inner.cpp
void enter_inner(); // the upper VMM's V32ENTER, until it has its exit

u8* upper_memory(u32 linear); // where the upper VMM's linear address is

} // namespace nested

extern "C" {
truering::u32 enter_guest();
truering::u32 try_rdmsr(truering::u32 index, truering::u32 (&value)[2]);
truering::u32 try_wrmsr(truering::u32 index, truering::u32 low, truering::u32 high);
}
