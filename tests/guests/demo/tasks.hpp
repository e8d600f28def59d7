// Tasks: three programs in ring 3 that share the processor by turns of one tick, and the kernel's own thread.
//
// A task is a kernel stack and the frame on it. While it does not run, the frame holds all its registers. Task 0 is the
// kernel's thread, which waits in run_tasks() until the others are over; it gets a turn only when no other wants one.
#pragma once

#include <stdint.h>

#include "traps.hpp"

namespace demo {

void add_task(char name, void (*entry)(volatile uint32_t* preemptions));
void run_tasks();               // returns when every task has ended
char task_name();               // of the running task
Frame* next_task(Frame* frame); // the turn is over: saves `frame`, returns another's
Frame* end_task(Frame* frame);  // the running task never runs again
uint32_t task_switches();       // how often the processor went to another task

} // namespace demo
