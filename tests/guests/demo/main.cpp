// The order of things: read this first, then each file as it is named here.
#include "faults.hpp"
#include "keyboard.hpp"
#include "mandelbrot.hpp"
#include "narrate.hpp"
#include "paging.hpp"
#include "pic.hpp"
#include "pit.hpp"
#include "power.hpp"
#include "screen.hpp"
#include "segments.hpp"
#include "serial.hpp"
#include "system_calls.hpp"
#include "tasks.hpp"
#include "traps.hpp"
#include "user_tasks.hpp"
#include "vga.hpp"

extern "C" char user_code_begin[], user_code_end[]; // from demo.ld

namespace demo {
namespace {

constexpr uint32_t multiboot_magic = 0x2badb002;
constexpr uint32_t right_picture = 0xcd391d35; // as computed by two independent emulators

// The tick does two things: it counts, and it ends the running task's turn.
Frame* on_tick(Frame* frame) {
    pit::count_tick();
    pic::end_of_interrupt(0);
    return next_task(frame);
}

void set_up_processor(uint32_t loader) {
    uint32_t cr0;
    asm("mov %%cr0, %0" : "=r"(cr0));
    say("Truering's demonstration guest: a small kernel for IA-32.");
    say("Loader: ", loader == multiboot_magic ? "Multiboot" : "our own boot sector",
        "; protected mode is on (CR0.PE=", cr0 & 1, ").");
    load_segments();
    load_traps();
    paging::start();
}

void set_up_devices() {
    pic::start();
    handle(vector::timer, on_tick);
    pit::start();
    keyboard::start();
    asm volatile("sti");
    pit::wait(3);
    say("Interrupts are on: the timer has ticked ", 3u, " times.");
    keyboard::press_a_key_for_us();
}

void show_ring_3() {
    start_system_calls();
    start_faults();
    paging::open_to_user(reinterpret_cast<uint32_t>(user_code_begin), reinterpret_cast<uint32_t>(user_code_end),
                         paging::Access::read);
    add_task('A', user::task_a);
    add_task('B', user::task_b);
    add_task('C', user::task_c);
    say("Tasks: A, B and C start in ring 3; each gets turns of one tick.");
    run_tasks();
    say("Tasks: all have ended; the page that B wrote is ", paging::is_dirty(paging::lazy_begin) ? "dirty" : "clean",
        " (bit D).");
}

uint32_t show_picture() {
    vga::enter_mode_13h();
    const uint32_t crc = draw_mandelbrot();
    pit::wait(100);
    vga::back_to_text();
    say("Picture: the Mandelbrot set was shown in mode 13H, 320 x 200; CRC-32 ", hex32(crc), ".");
    return crc;
}

} // namespace

extern "C" [[noreturn]] void kernel_main(uint32_t loader) {
    screen::clear();
    serial::start();
    set_up_processor(loader);
    set_up_devices();
    show_ring_3();
    const bool picture_right = show_picture() == right_picture;
    const bool tasks_right = system_calls_served() == 11 && task_switches() > 20;
    say("Summary: ", system_calls_served(),
        " system calls; turns, faults and picture as expected: ", tasks_right && picture_right ? "yes" : "no", ".");
    say("The demonstration is over.");
    power_off();
}

} // namespace demo
