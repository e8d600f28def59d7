// The three programs that run in ring 3. Each gets the address of its count of preemptions, and never returns.
#pragma once

#include <stdint.h>

namespace demo::user {

void task_a(volatile uint32_t* preemptions); // computes, and is preempted meanwhile
void task_b(volatile uint32_t* preemptions); // touches memory that it has not got yet
void task_c(volatile uint32_t* preemptions); // tries what is forbidden

} // namespace demo::user
