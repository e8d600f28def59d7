#include "tasks.hpp"

#include "narrate.hpp"
#include "paging.hpp"
#include "segments.hpp"

namespace demo {
namespace {

constexpr int most_tasks = 4;
constexpr uint32_t stack_size = 4096;
constexpr uint32_t eflags_IF = 0x200, eflags_always = 0x002;

struct Task {
    char name;
    bool alive;
    Frame* frame;
};

Task tasks[most_tasks] = {{'K', true, nullptr}};
int task_count = 1;
int running;
uint32_t switches;

alignas(stack_size) uint8_t kernel_stacks[most_tasks][stack_size];
alignas(stack_size) uint8_t user_stacks[most_tasks][stack_size];
// Each task sees here how often a tick took the processor from it. Ring 3 may read this page, not write it.
alignas(stack_size) volatile uint32_t preemptions[stack_size / 4];

uint32_t end_of(uint8_t (&stack)[stack_size]) { return reinterpret_cast<uint32_t>(stack + stack_size); }

int choose_next() {
    for (int step = 1; step <= task_count; ++step) {
        const int candidate = (running + step) % task_count;
        if (candidate != 0 && tasks[candidate].alive) {
            return candidate;
        }
    }
    return 0;
}

Frame* switch_to(int next) {
    switches += next != running;
    running = next;
    set_kernel_stack(end_of(kernel_stacks[next]));
    return tasks[next].frame;
}

bool any_alive() {
    for (int i = 1; i < task_count; ++i) {
        if (tasks[i].alive) {
            return true;
        }
    }
    return false;
}

} // namespace

void add_task(char name, void (*entry)(volatile uint32_t*)) {
    const int index = task_count++;
    const uint32_t stack = reinterpret_cast<uint32_t>(user_stacks[index]);
    paging::open_to_user(stack, stack + stack_size, paging::Access::write);

    // The program's stack looks as if someone had called it: the argument, and a return address that it never uses.
    auto* words = reinterpret_cast<uint32_t*>(end_of(user_stacks[index]));
    words[-1] = reinterpret_cast<uint32_t>(&preemptions[index]);
    words[-2] = 0;

    // The kernel's stack looks as if it had been interrupted before its first instruction.
    auto* frame = reinterpret_cast<Frame*>(end_of(kernel_stacks[index])) - 1;
    frame->gs = frame->fs = frame->es = frame->ds = frame->ss = user_data;
    frame->cs = user_code;
    frame->eip = reinterpret_cast<uint32_t>(entry);
    frame->eflags = eflags_IF | eflags_always; // IOPL 0: no CLI, no IN, no OUT
    frame->esp = reinterpret_cast<uint32_t>(&words[-2]);
    tasks[index] = {name, true, frame};
}

void run_tasks() {
    const uint32_t page = reinterpret_cast<uint32_t>(preemptions);
    paging::open_to_user(page, page + stack_size, paging::Access::read);
    while (any_alive()) {
        asm volatile("hlt" : : : "memory"); // the next tick gives the processor away
    }
}

char task_name() { return tasks[running].name; }

Frame* next_task(Frame* frame) {
    tasks[running].frame = frame;
    const int next = choose_next();
    if (running != 0) {
        preemptions[running] = preemptions[running] + 1;
    }
    return switch_to(next);
}

Frame* end_task(Frame*) {
    tasks[running].alive = false;
    return switch_to(choose_next());
}

uint32_t task_switches() { return switches; }

} // namespace demo
