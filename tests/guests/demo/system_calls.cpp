#include "system_calls.hpp"

#include "narrate.hpp"
#include "paging.hpp"
#include "tasks.hpp"

namespace demo {
namespace {

uint32_t served;

// A pointer from ring 3 is not to be believed: reading through it here has the rights of ring 0.
void say_for_user(uint32_t text, uint32_t length) {
    if (length > 200 || !paging::user_may_read(text, length)) {
        say("System call: task ", task_name(), " passed a pointer that it may not read itself. Refused.");
        return;
    }
    for (uint32_t i = 0; i < length; ++i) {
        put(reinterpret_cast<const char*>(text)[i]);
    }
    put('\n');
}

Frame* on_system_call(Frame* frame) {
    ++served;
    switch (static_cast<SystemCall>(frame->eax)) {
    case SystemCall::end: return end_task(frame);
    case SystemCall::say: say_for_user(frame->ebx, frame->ecx); return frame;
    }
    say("System call: task ", task_name(), " asked for number ", frame->eax, ", which there is not.");
    return frame;
}

} // namespace

void start_system_calls() { handle(vector::system_call, on_system_call); }

uint32_t system_calls_served() { return served; }

} // namespace demo
