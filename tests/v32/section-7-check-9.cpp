// Section 7.1, check 9: `inject_event` in each of its clauses. What is admitted is also delivered:
// section-4-injection.cpp.
#include "tests/v32/harness.hpp"

using namespace proof;

namespace {

[[gnu::naked]] void call() { asm(CALL_VMM); }

void refused(const char* name, u32 event) {
    ControlArea& area = fresh_area(call);
    area.guest.sif = 1;
    area.inject_event = event;
    expect_error(name, area, 9);
}

// It enters; where the event leads is not this image's affair.
void admitted(const char* name, u32 event) {
    ControlArea& area = fresh_area(call);
    area.guest.sif = 1;
    area.inject_event = event;
    expect_entry(name, area);
}

void form() {
    for (u32 bit = 16; bit < 31; ++bit) {
        refused("7.1/9 a reserved bit", exception_event(vector::UD) | 1u << bit);
        refused("7.1/9 a reserved bit, with INT n", an_event(event_INT, 0x60, length_bits(2)) | 1u << bit);
    }
    for (const u32 type : {1u, 5u, 7u})
        for (const u32 vector : {0u, 2u, 3u, 13u, 0x60u}) {
            refused("7.1/9 an unknown type", an_event(type, vector));
            refused("7.1/9 an unknown type with a length", an_event(type, vector, length_bits(2)));
        }
    ControlArea& area = fresh_area(call);
    area.inject_event = 0x7fffffff;
    expect_entry("7.1/9 with [31]=0 nothing is looked at", area);
    for (u32 length = 1; length < 16; ++length) {
        refused("7.1/9 a length with type 0", an_event(event_external, 0x60, length_bits(length)));
        refused("7.1/9 a length with type 2", an_event(event_NMI, 2, length_bits(length)));
        refused("7.1/9 a length with type 3", exception_event(vector::UD) | length_bits(length));
        admitted("7.1/9 any length but 0 with type 4", an_event(event_INT, 0x60, length_bits(length)));
        admitted("7.1/9 any length but 0 with type 6", an_event(event_INT3_INTO, 3, length_bits(length)));
    }
    refused("7.1/9 length 0 with type 4", an_event(event_INT, 0x60));
    refused("7.1/9 length 0 with type 6", an_event(event_INT3_INTO, 3));
}

void error_codes() {
    for (u32 vector = 0; vector < 32; ++vector) {
        const u32 right = exception_event(vector);
        if (vector == 2 || vector == 20) continue;
        admitted("7.1/9 [11] as the vector has it", right);
        refused("7.1/9 [11] that does not match the vector", right ^ event_has_error_code);
    }
    for (const u32 vector : {8u, 13u, 0x60u}) {
        refused("7.1/9 [11] with type 0", an_event(event_external, vector, event_has_error_code));
        refused("7.1/9 [11] with type 4", an_event(event_INT, vector, length_bits(2) | event_has_error_code));
        admitted("7.1/9 type 4 of a vector with an error code has none", an_event(event_INT, vector, length_bits(2)));
        admitted("7.1/9 type 0 of a vector with an error code has none", an_event(event_external, vector));
    }
    refused("7.1/9 [11] with type 2", an_event(event_NMI, 2, event_has_error_code));
    refused("7.1/9 [11] with type 6", an_event(event_INT3_INTO, 3, length_bits(1) | event_has_error_code));
}

void vectors() {
    for (u32 vector = 0; vector < 256; ++vector) {
        if (vector != 2) refused("7.1/9 NMI of another vector than 2", an_event(event_NMI, vector));
        if (vector != 3 && vector != 4)
            refused("7.1/9 type 6 of another vector than 3 and 4", an_event(event_INT3_INTO, vector, length_bits(1)));
        if (vector > 31) {
            refused("7.1/9 an exception above 31", an_event(event_exception, vector));
            refused("7.1/9 an exception above 31, with [11]", an_event(event_exception, vector, event_has_error_code));
        }
        admitted("7.1/9 INT n of any vector", an_event(event_INT, vector, length_bits(2)));
        admitted("7.1/9 an external interrupt of any vector", an_event(event_external, vector));
    }
    refused("7.1/9 exception 20", an_event(event_exception, 20));
    refused("7.1/9 exception 2", an_event(event_exception, 2));
    admitted("7.1/9 NMI", an_event(event_NMI, 2));
    admitted("7.1/9 INTO", an_event(event_INT3_INTO, 4, length_bits(1)));
}

using Change = void (*)(ControlArea&);

void external(const char* name, bool right, Change change) {
    ControlArea& area = fresh_area(call);
    area.guest.sif = 1;
    area.inject_event = an_event(event_external, 0x60);
    change(area);
    if (right)
        expect_entry(name, area);
    else
        expect_error(name, area, 9);
}

constexpr u32 direct = u32{IF_DIRECT} | EXTINT_EXIT;

void when_external_interrupts_may_come() {
    external("7.1/9 an external interrupt, sif 0 under TRAP", false, [](ControlArea& area) { area.guest.sif = 0; });
    external("7.1/9 an external interrupt, sif 0 and EFLAGS.IF 1 under TRAP", false, [](ControlArea& area) {
        area.guest.sif = 0;
        area.guest.eflags |= IF;
    });
    external("7.1/9 an external interrupt, sif 0 under SHADOW", false, [](ControlArea& area) {
        area.controls = IF_SHADOW;
        area.guest.sif = 0;
        area.guest.eflags |= IF;
    });
    external("7.1/9 an external interrupt, sif 1 and EFLAGS.IF 0 under SHADOW: admitted", true,
             [](ControlArea& area) { area.controls = IF_SHADOW; });
    external("7.1/9 an external interrupt, EFLAGS.IF 0 and sif 1 under DIRECT", false,
             [](ControlArea& area) { area.controls = direct; });
    external("7.1/9 an external interrupt, EFLAGS.IF 1 and sif 0 under DIRECT: admitted", true, [](ControlArea& area) {
        area.controls = direct;
        area.guest.sif = 0;
        area.guest.eflags |= IF;
    });
    external("7.1/9 an external interrupt behind STI", false,
             [](ControlArea& area) { area.guest.interruptibility = by_STI; });
    external("7.1/9 an external interrupt behind MOV SS", false,
             [](ControlArea& area) { area.guest.interruptibility = by_MOV_SS; });
    external("7.1/9 an external interrupt while NMI is blocked: admitted", true,
             [](ControlArea& area) { area.guest.interruptibility = by_NMI; });
    external("7.1/9 an external interrupt with a pending single step", false,
             [](ControlArea& area) { area.guest.pending_debug = 0x4000; });
    external("7.1/9 an external interrupt with a pending breakpoint", false,
             [](ControlArea& area) { area.guest.pending_debug = 1; });
    external("7.1/9 an external interrupt to a halted guest: admitted", true,
             [](ControlArea& area) { area.guest.activity = 1; });
}

// The other types wait for nothing.
void others_at_any_time() {
    for (const u32 event : {an_event(event_NMI, 2), exception_event(vector::UD),
                            an_event(event_INT, 0x60, length_bits(2)), an_event(event_INT3_INTO, 3, length_bits(1))})
        for (u32 blocking = 0; blocking < 8; ++blocking) {
            ControlArea& area = fresh_area(call);
            area.guest.interruptibility = blocking;
            area.inject_event = event;
            expect_entry("7.1/9 any other event at any time", area);
        }
}

} // namespace

void v32_tests() {
    form();
    error_codes();
    vectors();
    when_external_interrupts_may_come();
    others_at_any_time();
}
