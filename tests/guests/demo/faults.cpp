// A fault comes *before* its instruction has done anything, with EIP at that instruction. So a handler has three
// answers, and this file has an example of each: mend the cause and repeat the instruction (a page given when it is
// first needed), step over it (CLI), or end the task (it touched what is not its own).
#include "faults.hpp"

#include "narrate.hpp"
#include "paging.hpp"
#include "tasks.hpp"

namespace demo {
namespace {

constexpr uint32_t error_P = 1, error_W = 2; // bits of a page fault's error code, SDM volume 3, figure 4-12

[[noreturn]] void give_up(const Frame* frame, const char* what, uint32_t cr2) {
    say("The kernel itself raised ", what, " at ", hex32(frame->eip), " (CR2=", hex32(cr2), "). It stops here.");
    for (;;) {
        asm volatile("cli; hlt");
    }
}

Frame* on_page_fault(Frame* frame) {
    uint32_t cr2;
    asm("mov %%cr2, %0" : "=r"(cr2));
    if (!frame->from_user()) {
        give_up(frame, "#PF", cr2);
    }
    say("Page fault: task ", task_name(), (frame->error_code & error_W) ? " wrote to " : " read from ", hex32(cr2),
        "; error code ", hex16(frame->error_code), ".");
    if (!(frame->error_code & error_P) && paging::give_lazy_page(cr2)) {
        say("            No page was there. It gets one, and the instruction runs again.");
        return frame;
    }
    say("            That page is the kernel's. Task ", task_name(), " is ended.");
    return end_task(frame);
}

Frame* on_general_protection(Frame* frame) {
    constexpr uint8_t cli = 0xfa;
    if (!frame->from_user()) {
        give_up(frame, "#GP", 0);
    }
    const bool was_cli = *reinterpret_cast<const uint8_t*>(frame->eip) == cli;
    say("Protection: task ", task_name(), " raised #GP, error code ", hex16(frame->error_code), ", by ",
        was_cli ? "CLI." : "some instruction.");
    if (!was_cli) {
        return end_task(frame);
    }
    say("            Ring 3 may not turn interrupts off. The kernel steps over it.");
    ++frame->eip;
    return frame;
}

} // namespace

void start_faults() {
    handle(vector::PF, on_page_fault);
    handle(vector::GP, on_general_protection);
}

} // namespace demo
