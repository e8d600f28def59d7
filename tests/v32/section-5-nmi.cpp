// Section 5: NMI. With redirect_events[2]=0 it exits, whatever the guest's blocking and shadows; with 1 it is the
// guest's, under its blocking; one that this holds back is root's after the next exit.
#include "tests/v32/pending_nmi.hpp"
#include "tests/v32/policies.hpp"

using namespace proof;

namespace {

const Bytes nop{0x90};

// Root is not as judge_exit() knows it: the guest's side alone.
void judge(const char* name, const ControlArea& area, const Wanted& w, const Event& event) {
    Check check(name);
    const bool nmi = w.reason == Reason::NMI;
    check.equal("root's EIP", event.eip, address(v32_after_enter_with_nmi));
    check.equal("root's vector", event.vector, nmi ? vector::NMI : u32{V32_VECTOR_VT});
    check.equal("root's error code", event.error_code, nmi ? no_error_code : static_cast<u32>(w.reason));
    check.equal("exit_reason", area.exit.exit_reason, static_cast<u32>(w.reason));
    check.equal("event", area.exit.event, w.event);
    check.equal("vectoring_event", area.exit.vectoring_event, 0);
    check.equal("instruction_length", area.exit.instruction_length, w.length);
    check.equal("VMM interruptibility", area.vmm.interruptibility, by_NMI);
    const auto *got = reinterpret_cast<const u32*>(&area.guest), *wants = reinterpret_cast<const u32*>(&w.guest);
    for (u32 i = 0; i < sizeof(StateRecord) / 4; ++i)
        if (got[i] != wants[i]) {
            check.equal("guest record at", 4 * i, no_error_code);
            check.equal("guest record", got[i], wants[i]);
        }
}

enum class Fate { taken, waits };

void expect_with_nmi(const char* name, ControlArea& area, const Wanted& w, Fate fate) {
    const Event event = run_with_nmi(area);
    judge(name, area, w, event);
    check_equal(Name(name, ": waits for root"), nmi_waits_in_root(), fate == Fate::waits);
}

Wanted nmi_exit(const ControlArea& area) {
    Wanted w = wanted(area, Reason::NMI);
    w.event = an_event(event_NMI, 2);
    return w;
}

constexpr u32 blockings[] = {0, by_STI, by_MOV_SS, by_NMI, by_NMI | by_STI, by_NMI | by_MOV_SS};

// --- redirect_events[2]=0

void exits() {
    for (const Policy& policy : policies)
        for (u32 visible : {0u, 1u})
            for (const u32 blocking : blockings)
                for (u32 activity : {0u, 1u}) {
                    ControlArea& area = fresh_area(place(nop), visible ? 3 : 0);
                    set_interrupt_flag(area, policy, visible, visible);
                    give_all_events(area);
                    take_event(area, vector::NMI);
                    area.guest.interruptibility = blocking;
                    area.guest.activity = activity;
                    expect_with_nmi(Name("5/NMI exits with redirect_events[2]=0, whatever blocks, ", policy.name), area,
                                    nmi_exit(area), Fate::taken);
                }
}

// --- redirect_events[2]=1

void given() {
    for (const u32 blocking : blockings)
        for (u32 world : {0u, 3u, 4u, 5u}) {
            ControlArea& area = world == 4   ? fresh_v86(place(nop))
                                : world == 5 ? fresh_real(place(nop))
                                             : fresh_area(place(nop), world);
            give_event(area, vector::NMI);
            area.guest.interruptibility = blocking;
            if (blocking & by_NMI) {
                expect_with_nmi("5/NMI is the guest's: its blocking by NMI holds it back, root takes it", area,
                                ran(area, nop), Fate::waits);
                continue;
            }
            const u32 held = blocking ? 1 : 0;
            expect_with_nmi(held ? "5/NMI is the guest's: STI and MOV SS hold it back for one instruction"
                                 : "5/NMI is the guest's with redirect_events[2]=1",
                            area, delivered(area, {.vector = vector::NMI, .eip_advance = held, .blocked = by_NMI}),
                            Fate::taken);
        }
    ControlArea* area = &fresh_area(place(nop));
    give_event(*area, vector::NMI);
    area->guest.activity = 1;
    Wanted w = delivered(*area, {.vector = vector::NMI, .blocked = by_NMI});
    w.guest.activity = 0;
    expect_with_nmi("5/NMI is the guest's: it wakes a halted guest", *area, w, Fate::taken);
}

// IRET lifts the guest's blocking: the NMI that waited comes then, to the guest.
void after_IRET() {
    ControlArea& area = fresh_area(place({0x90, 0xcf}));
    give_event(area, vector::NMI);
    area.guest.interruptibility = by_NMI;
    place({0x90}, placed_at + 0x100);
    word_at(area.guest.gpr[ESP]) = placed_at + 0x100;
    word_at(area.guest.gpr[ESP] + 4) = code_selector(0);
    word_at(area.guest.gpr[ESP] + 8) = always;
    area.guest.gpr[ESP] += 12;
    area.guest.eip = placed_at + 0x100;
    const Wanted w = delivered(area, {.vector = vector::NMI, .blocked = by_NMI});
    area.guest.gpr[ESP] -= 12;
    area.guest.eip = placed_at;
    const Event event = run_with_nmi(area);
    judge("5/NMI held back by the guest's blocking comes after its IRET", area, w, event);
    check_equal("5/NMI held back by the guest's blocking: taken by the guest", nmi_waits_in_root(), 0);
}

// After an exit the guest's blocking is root's no more: root's own is what V32ENTER saved.
void after_the_exit() {
    ControlArea& area = fresh_area(place({0x89, 0x03, 0x90, 0x90, 0x90, 0x90})); // MOV [EBX], EAX
    guest_directory[local_apic >> 22] = 0xfec00000 | page_large | page_present | page_writable;
    area.guest.cr4 |= PSE;
    area.guest.gpr[EAX] = nmi_to_itself;
    area.guest.gpr[EBX] = command_register;
    area.guest.interruptibility = by_NMI;
    give_event(area, vector::NMI);
    const Event event = run(area);
    Check check("5/NMI that the guest's blocking holds back is taken by root after the next exit");
    check.equal("exit_reason", area.exit.exit_reason, static_cast<u32>(Reason::V32CALL));
    check.equal("guest's blocking", area.guest.interruptibility, by_NMI);
    check.equal("root's vector", event.vector, vector::NMI);
    check.equal("root's EIP: the handler of the exit", event.eip, handler_of(V32_VECTOR_VT));
    check.equal("and no second one", nmi_waits_in_root(), 0);
}

// The guest sends it: both ways, while it runs.
void sent_by_the_guest() {
    for (u32 redirected : {0u, 1u}) {
        ControlArea& area = fresh_area(place({0x89, 0x03, 0xeb, 0xfe}), 3); // MOV [EBX], EAX; JMP $
        guest_directory[local_apic >> 22] = 0xfec00000 | page_large | page_present | page_writable | page_user;
        area.guest.cr4 |= PSE;
        area.guest.gpr[EAX] = nmi_to_itself;
        area.guest.gpr[EBX] = command_register;
        if (redirected) give_event(area, vector::NMI);
        Wanted w =
            redirected ? delivered(area, {.vector = vector::NMI, .eip_advance = 2, .blocked = by_NMI}) : nmi_exit(area);
        if (!redirected) w.guest.eip += 2;
        expect_exit(redirected ? "5/NMI comes to the running guest" : "5/NMI exits from the running guest", area, w);
        check_equal("5/NMI: no second one", nmi_waits_in_root(), 0);
    }
}

} // namespace

void v32_tests() {
    enable_local_apic();
    sent_by_the_guest();
    exits();
    given();
    after_IRET();
    after_the_exit();
}
