// Section 1 in small: a guest runs at the level it intends, exits, is answered and re-entered. Also the harness's own
// proof: a guest of each mode comes back where it must, through expect_exit() with its whole judgement.
#include "tests/v32/harness.hpp"

using namespace proof;

namespace {

[[gnu::naked]] void call() { asm(CALL_VMM); }
[[gnu::naked]] void count() { asm("inc %eax\n" CALL_VMM "inc %eax\n" CALL_VMM "hlt"); }
[[gnu::naked]] void undefined() { asm("ud2"); }

void guests_of_each_mode() {
    ControlArea* area = &fresh_area(call);
    expect_exit("1/a guest in ring 0 calls its VMM", *area, wanted(*area, Reason::V32CALL, 3));
    area = &fresh_area(call, 3);
    expect_exit("1/a guest in ring 3 calls its VMM", *area, wanted(*area, Reason::V32CALL, 3));
    area = &fresh_v86(call);
    expect_exit("1/a guest in V86 mode calls its VMM", *area, wanted(*area, Reason::V32CALL, 3));
    area = &fresh_real(call);
    expect_exit("1/a guest in paged real mode calls its VMM", *area, wanted(*area, Reason::V32CALL, 3));
}

void answered_and_entered_again() {
    ControlArea& area = fresh_area(count);
    area.guest.gpr[EAX] = 5;
    Wanted first = wanted(area, Reason::V32CALL, 3);
    first.guest.gpr[EAX] = 6;
    first.guest.eip += 1;
    first.guest.eflags |= PF;
    expect_exit("1/the guest runs up to its call", area, first);
    area.guest.eip += area.exit.instruction_length;
    Wanted second = wanted(area, Reason::V32CALL, 3);
    second.guest.gpr[EAX] = 7;
    second.guest.eip += 1;
    second.guest.eflags &= ~PF;
    expect_exit("1/the VMM answers and enters again", area, second);
}

void exceptions() {
    ControlArea* area = &fresh_area(undefined);
    expect_exit("1/an exception of the guest reaches the VMM", *area, wanted_fault(*area, vector::UD, 2));
    for (u32 ring : {0u, 3u}) {
        area = &fresh_area(undefined, ring);
        give_event(*area, vector::UD);
        expect_exit(ring ? "1/an exception of the guest's ring 3 reaches its kernel"
                         : "1/an exception of the guest's ring 0 reaches its kernel",
                    *area, delivered(*area, {.vector = vector::UD, .more_flags = RF}));
    }
    area = &fresh_v86(undefined);
    give_event(*area, vector::UD);
    expect_exit("1/an exception of the guest's V86 mode reaches its kernel", *area,
                delivered(*area, {.vector = vector::UD, .more_flags = RF}));
    area = &fresh_real(undefined);
    give_event(*area, vector::UD);
    expect_exit("1/an exception of the guest's real mode reaches its handler", *area,
                delivered(*area, {.vector = vector::UD}));
}

} // namespace

void v32_tests() {
    guests_of_each_mode();
    answered_and_entered_again();
    exceptions();
}
