// The system calls: INT 80H with EAX = number, EBX and ECX = arguments. Kernel and ring-3 programs both include this.
#pragma once

#include <stdint.h>

namespace demo {

enum class SystemCall : uint32_t {
    end = 0, // the task is over
    say = 1, // EBX = text, ECX = length: a line on screen and COM1
};

void start_system_calls();
uint32_t system_calls_served();

} // namespace demo
