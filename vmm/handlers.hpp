// One function per exit reason, named after it. Each leaves the control area ready for the next entry.
#pragma once

namespace ringmaster {

void handle_CR_ACCESS(); // cr_access.cpp
void handle_IO();        // io.cpp
void handle_MSR_READ();  // msr.cpp
void handle_MSR_WRITE();
void handle_CPUID();  // cpuid.cpp
void handle_INVLPG(); // run.cpp
void handle_CACHE();
void handle_TASK_SWITCH(); // task_exit.cpp
void handle_SOFT_INT();    // bios_calls.cpp
void handle_V32CALL();     // hypercall.cpp
void handle_STEP();        // bios_page.cpp
void handle_IF_MODIFY();   // interrupts.cpp
void handle_IF_WINDOW();
void handle_EXTINT();
void handle_NMI();
void handle_EXCEPTION(); // run.cpp
void handle_V32ENTER();
void handle_SHUTDOWN();
void handle_INIT();

} // namespace ringmaster
