#include "vmm/run.hpp"

#include "vmm/account.hpp"
#include "vmm/enter.hpp"
#include "vmm/entry_errors.hpp"
#include "vmm/guest.hpp"
#include "vmm/handlers.hpp"
#include "vmm/interrupts.hpp"
#include "vmm/options.hpp"
#include "vmm/paging.hpp"
#include "vmm/restart.hpp"

namespace ringmaster {

namespace {

using Handler = void (*)();

// Controls that are off and reasons that do not exist: an exit with one of these is the processor's mistake.
void handle_unexpected() { unexpected_exit(); }

struct Handlers {
    Handler of[reason_count];

    constexpr Handlers() : of() {
        for (Handler& handler : of) handler = handle_unexpected;
        set(Reason::CR_ACCESS, handle_CR_ACCESS);
        set(Reason::IO, handle_IO);
        set(Reason::MSR_READ, handle_MSR_READ);
        set(Reason::MSR_WRITE, handle_MSR_WRITE);
        set(Reason::CPUID, handle_CPUID);
        set(Reason::INVLPG, handle_INVLPG);
        set(Reason::CACHE, handle_CACHE);
        set(Reason::IF_MODIFY, handle_IF_MODIFY);
        set(Reason::IF_WINDOW, handle_IF_WINDOW);
        set(Reason::SOFT_INT, handle_SOFT_INT);
        set(Reason::TASK_SWITCH, handle_TASK_SWITCH);
        set(Reason::V32ENTER, handle_V32ENTER);
        set(Reason::V32CALL, handle_V32CALL);
        set(Reason::STEP, handle_STEP);
        set(Reason::SHUTDOWN, handle_SHUTDOWN);
        set(Reason::INIT, handle_INIT);
        set(Reason::EXCEPTION, handle_EXCEPTION);
        set(Reason::EXTINT, handle_EXTINT);
        set(Reason::NMI, handle_NMI);
    }
    constexpr void set(Reason r, Handler handler) { of[static_cast<u32>(r)] = handler; }
};
constexpr Handlers handlers;

} // namespace

void run() {
    for (;;) {
        prepare_interrupts();
        prepare_paging();
        account_entry();
        if (enter_guest() == 0) entry_refused();
        account_exit();
        const u32 number = area.exit.exit_reason;
        handlers.of[number < reason_count ? number : 0]();
    }
}

// The guest's instruction has nothing to do with the VMM's caches, and INVD must not lose what the VMM has written.
void handle_CACHE() { skip_instruction(); }

void handle_INVLPG() {
    invalidate_page(area.exit.qualification_value);
    skip_instruction();
}

// The mode is not passed on: CPUID denies it, and without it the instruction does not exist.
void handle_V32ENTER() { raise(Vector::UD); }

void handle_EXCEPTION() {
    const u32 vector = area.exit.event & event_vector;
    if (vector == static_cast<u32>(Vector::PF) && options.paging == PagingPolicy::Shadow) return page_fault_exit();
    unexpected_exit();
}

void handle_SHUTDOWN() { restart_guest(Cause::TripleFault); }
void handle_INIT() { restart_guest(Cause::Init); }

} // namespace ringmaster
