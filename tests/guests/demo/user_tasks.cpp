// This file is linked to pages of its own (demo.ld), the only ones that ring 3 may execute: it can call nothing of the
// kernel but the system calls. So it has its own way to make a line of text. The tasks want different numbers of turns,
// so that they report one after the other.
#include "user_tasks.hpp"

#include "paging.hpp"
#include "system_calls.hpp"

namespace demo::user {
namespace {

void system_call(SystemCall number, uint32_t argument1, uint32_t argument2) {
    asm volatile("int $0x80" : : "a"(number), "b"(argument1), "c"(argument2) : "memory");
}

[[noreturn]] void end() {
    for (;;) {
        system_call(SystemCall::end, 0, 0);
    }
}

class Line {
  public:
    Line& text(const char* part) {
        while (*part) {
            buffer[length++] = *part++;
        }
        return *this;
    }
    Line& number(uint32_t value) {
        uint32_t unit = 1;
        while (value / unit >= 10) {
            unit *= 10;
        }
        for (; unit; unit /= 10) {
            buffer[length++] = static_cast<char>('0' + value / unit % 10);
        }
        return *this;
    }
    Line& hex16(uint32_t value) {
        for (int shift = 12; shift >= 0; shift -= 4) {
            const uint32_t digit = value >> shift & 15;
            buffer[length++] = static_cast<char>(digit < 10 ? '0' + digit : 'A' + digit - 10);
        }
        return *this;
    }
    void say() { system_call(SystemCall::say, reinterpret_cast<uint32_t>(buffer), length); }

  private:
    char buffer[120];
    uint32_t length = 0;
};

void introduce(const char* name) {
    uint32_t cs, ss;
    asm("mov %%cs, %0\n\tmov %%ss, %1" : "=r"(cs), "=r"(ss));
    Line()
        .text("Ring 3 task ")
        .text(name)
        .text(" runs at CPL ")
        .number(cs & 3)
        .text(": CS=")
        .hex16(cs)
        .text(" SS=")
        .hex16(ss)
        .text(".")
        .say();
}

uint32_t count_primes(uint32_t below) {
    uint32_t count = 0;
    for (uint32_t candidate = 2; candidate < below; ++candidate) {
        uint32_t divisor = 2;
        while (divisor * divisor <= candidate && candidate % divisor) {
            ++divisor;
        }
        count += divisor * divisor > candidate;
    }
    return count;
}

// Makes no system call: only the timer can take the processor away here.
uint32_t compute_until_preempted(const char* name, volatile uint32_t* preemptions, uint32_t turns_wanted) {
    uint32_t primes = 0;
    do {
        primes = count_primes(1000);
    } while (*preemptions < turns_wanted);
    Line()
        .text("Task ")
        .text(name)
        .text(" computed on, and the timer took the processor from it ")
        .number(turns_wanted)
        .text(" times.")
        .say();
    return primes;
}

} // namespace

void task_a(volatile uint32_t* preemptions) {
    introduce("A");
    const uint32_t primes = compute_until_preempted("A", preemptions, 5);
    Line().text("Task A counted ").number(primes).text(" primes below 1000 (168 is right).").say();
    end();
}

void task_b(volatile uint32_t* preemptions) {
    introduce("B");
    compute_until_preempted("B", preemptions, 10);
    auto* memory = reinterpret_cast<volatile uint32_t*>(paging::lazy_begin);
    memory[3] = 42; // faults; the kernel gives the page; runs again
    Line()
        .text("Task B reads back what it wrote: ")
        .number(memory[3])
        .text(", and beside it ")
        .number(memory[4])
        .text(".")
        .say();
    end();
}

void task_c(volatile uint32_t* preemptions) {
    introduce("C");
    compute_until_preempted("C", preemptions, 15);
    asm volatile("cli");
    system_call(SystemCall::say, 0x100000, 16); // the kernel's own code
    const uint32_t stolen = *reinterpret_cast<volatile uint32_t*>(0x100000);
    Line().text("Task C read the kernel's memory: ").number(stolen).text(". Paging does not protect!").say();
    end();
}

} // namespace demo::user
