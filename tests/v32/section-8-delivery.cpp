// Section 8, how an exit reaches the VMM: its record is loaded, its address space is back, and an event is delivered
// through its IDT, whatever its IF is; a fault in that delivery is root's.
#include "tests/v32/harness.hpp"

using namespace proof;

namespace {

[[gnu::naked]] void call() { asm(CALL_VMM); }
[[gnu::naked]] void read_ebx() { asm("mov (%ebx), %eax\n" CALL_VMM); }

// --- The address space

void address_space() {
    ControlArea& area = fresh_area(read_ebx);
    constexpr u32 linear = scratch, guest_frame = scratch + 0x1000, root_frame = scratch + 0x2000;
    word_at(guest_frame) = 0x9e579e57;
    word_at(root_frame) = 0x0e0e0e0e;
    guest_page(linear) = guest_frame | page_present;
    root_page(linear) = root_frame | page_present | page_writable;
    invalidate(linear);
    area.guest.gpr[EBX] = linear;
    Wanted w = wanted(area, Reason::V32CALL, 3);
    w.guest.eip += 2;
    w.guest.gpr[EAX] = 0x9e579e57;
    expect_exit("8/the guest's address space is left", area, w);
    check_equal("8/the VMM's CR3 is back", word_at(linear), 0x0e0e0e0e);
    root_page(linear) = linear | page_present | page_writable | page_user;
    invalidate(linear);

    // Root's own code has its linear page, the guest other code there: each runs its own, on the way in and back.
    constexpr u32 frame = scratch + 0x3000;
    const u32 page = at_V32ENTER() & ~0xfffu, offset = at_V32ENTER() & 0xfffu;
    for (u32 i = 0; i < 0x1000; i += 4) word_at(frame + i) = word_at(page + i);
    word_at(frame + offset) = 0x0f404040; // INC EAX three times, V32CALL
    byte_at(frame + offset + 4) = 0x04;
    byte_at(frame + offset + 5) = 0xc1;
    ControlArea& same = fresh_area(reinterpret_cast<Code>(at_V32ENTER()));
    guest_page(page) = frame | page_present;
    for (u32 turn = 0; turn < 3; ++turn) {
        same.guest.eip = at_V32ENTER();
        same.guest.gpr[EAX] = 0x100;
        run(same);
        Check check("8/root and guest code at the same linear address");
        check.that("entered", entered());
        check.equal("reason", same.exit.exit_reason, static_cast<u32>(Reason::V32CALL));
        check.equal("EAX", same.guest.gpr[EAX], 0x103);
        check.equal("byte 0", same.exit.instruction_bytes[0], 0x0f);
        check.equal("byte 1", same.exit.instruction_bytes[1], 0x04);
    }

    // Root's IDT, stacks, control area: not mapped in the guest at all, and not needed there.
    ControlArea& hidden = fresh_area(call);
    for (const void* what : {static_cast<const void*>(idt), static_cast<const void*>(gdt),
                             static_cast<const void*>(&hidden), static_cast<const void*>(&tss)})
        guest_page(address(what)) = 0;
    expect_exit("8/the VMM needs no place in the guest's address space", hidden, wanted(hidden, Reason::V32CALL, 3));
}

// --- The table

[[gnu::naked]] void undefined() { asm("ud2"); }
[[gnu::naked]] void load_ds_eax() { asm("mov %eax, %ds"); }
[[gnu::naked]] void load_ds_ecx() { asm("mov %ecx, %ds"); }
[[gnu::naked]] void load_ss_ecx() { asm("mov %ecx, %ss"); }
[[gnu::naked]] void numeric() { asm("fnop"); }
[[gnu::naked]] void bound() { asm("bound %edx, v32_bounds"); }
[[gnu::naked]] void divide_by_0() { asm("aam $0"); }
[[gnu::naked]] void past_the_limit() { asm(".code16; mov %cs:0xffff, %ax; .code32"); }
extern "C" const u32 v32_bounds[2] __attribute__((used)) = {1, 2};

void vectors_and_error_codes() {
    struct {
        const char* name;
        Code code;
        u32 vector, length, error_code;
    } const cases[] = {
        {"8/EXCEPTION arrives at its own vector: #UD", undefined, vector::UD, 2, no_error_code},
        {"8/EXCEPTION arrives at its own vector: #GP", load_ds_eax, vector::GP, 2, 0x1110},
        {"8/EXCEPTION arrives at its own vector: #NP", load_ds_ecx, vector::NP, 2, slot_selector(first_free_slot)},
        {"8/EXCEPTION arrives at its own vector: #SS", load_ss_ecx, vector::SS, 2, slot_selector(first_free_slot)},
        {"8/EXCEPTION arrives at its own vector: #NM", numeric, vector::NM, 2, no_error_code},
        {"8/EXCEPTION arrives at its own vector: #BR", bound, vector::BR, 6, no_error_code},
        {"8/EXCEPTION arrives at its own vector: #DE", divide_by_0, vector::DE, 2, no_error_code},
    };
    for (const auto& c : cases) {
        ControlArea& area = fresh_area(c.code);
        area.guest.cr0 |= TS;
        area.guest.gpr[EAX] = 0x1110; // past the GDT's limit
        area.guest.gpr[ECX] = slot_selector(first_free_slot);
        guest_gdt[first_free_slot] = descriptor(0, 0xfffff, segment | data_writable, bits32 | pages); // not present
        const Wanted w = wanted_fault(area, c.vector, c.length, c.error_code);
        expect_exit(c.name, area, w);
    }
}

[[gnu::naked]] void page_fault() { asm("mov %eax, 0x5000000"); }
[[gnu::naked]] void unaligned() { asm("mov 1(%esp), %eax"); }

void more_vectors() {
    ControlArea* area = &fresh_area(page_fault);
    Wanted w = wanted_fault(*area, vector::PF, 5, page_writable);
    w.qualification_value = 0x5000000;
    expect_exit("8/EXCEPTION: #PF, its address also in the VMM's CR2", *area, w);
    check_equal("8/EXCEPTION: #PF leaves the guest's CR2", area->guest.cr2, 0x12345678);
    area = &fresh_area(unaligned, 3);
    area->guest.cr0 |= AM;
    area->guest.eflags |= AC;
    expect_exit("8/EXCEPTION arrives at its own vector: #AC", *area, wanted_fault(*area, vector::AC, 4, 0));
    area = &fresh_area(call);
    area->guest.pending_debug = 0x4000;
    w = wanted(*area, Reason::EXCEPTION);
    w.event = exception_event(vector::DB);
    w.qualification_value = 0x4000;
    w.guest.pending_debug = 0;
    expect_exit("8/EXCEPTION arrives at its own vector: #DB", *area, w);
    area = &fresh_area(call);
    expect_exit("8/every other reason arrives at vector 20, exit_reason as the error code", *area,
                wanted(*area, Reason::V32CALL, 3));
    area = &fresh_real(past_the_limit);
    run(*area);
    Check check("8/EXCEPTION: the error code comes also from a guest with PE=0");
    check.equal("vector", area->exit.event, exception_event(vector::GP));
    check.equal("error code in root", area->exit.event_error_code, 0);
}

// --- IF, ESP, EFLAGS of the VMM

void whatever_IF() {
    for (const u32 flag : {0u, u32{IF}}) {
        ControlArea& area = fresh_area(call);
        Registers vmm = vmm_registers();
        vmm.eflags |= flag;
        expect_exit("8/the event is delivered whatever the VMM's IF is", area, wanted(area, Reason::V32CALL, 3), vmm);
    }
}

// MOV ESP, EBP ends a handler, error code or not: run as a loop of both kinds without the harness's help.
[[gnu::naked]] void alternate() { asm("1:" CALL_VMM "ud2; jmp 1b"); }

extern "C" {
u32 v32_loop(ControlArea* area);
extern const u8 v32_loop_call[], v32_loop_undefined[];
}
asm(R"(
        .globl  v32_loop, v32_loop_call, v32_loop_undefined
v32_loop:
        pusha
        mov     36(%esp), %esi
        xor     %edi, %edi
        mov     %esp, %ebp
1:      .byte   0x0f, 0x04, 0xc0
        hlt
v32_loop_call:
        mov     %ebp, %esp
        jmp     2f
v32_loop_undefined:
        mov     %ebp, %esp
2:      mov     0x9c(%esi), %eax                # skip the instruction
        add     %eax, 0x120(%esi)
        andl    $~0x10000, 0x124(%esi)          # RF
        inc     %edi
        cmp     $1000, %edi
        jb      1b
        mov     %edi, 28(%esp)
        popa
        ret
)");

void loop_of_a_vmm() {
    ControlArea& area = fresh_area(alternate);
    idt[V32_VECTOR_VT] = gate(code_selector(0), address(v32_loop_call), present | interrupt_gate32);
    idt[vector::UD] = gate(code_selector(0), address(v32_loop_undefined), present | interrupt_gate32);
    const u32 turns = v32_loop(&area);
    default_gate(V32_VECTOR_VT);
    default_gate(vector::UD);
    check_equal("8/MOV ESP, EBP and a jump end every handler", turns, 1000);
    check_equal("8/exit_count of 1000 exits", area.exit.exit_count[0], 1000);
}

// A handler that returns by IRET goes on behind V32ENTER, with the area in front of it.
[[gnu::naked]] void drop_error_and_iret() { asm("add $4, %esp; iret"); }

void handler_returns() {
    ControlArea& area = fresh_area(call);
    idt[V32_VECTOR_VT] = gate(code_selector(0), address(drop_error_and_iret), present | interrupt_gate32);
    const Event event = run(area);
    default_gate(V32_VECTOR_VT);
    Check check("8/the handler's IRET goes on behind V32ENTER");
    check.equal("vector", event.vector, vector::done);
    check.equal("EIP", event.eip, after_V32ENTER() + 2);
    check.equal("reason", area.exit.exit_reason, static_cast<u32>(Reason::V32CALL));
}

// --- A fault in root's delivery

constexpr u32 idt_bit = 2, ext_bit = 1;

void faults_in_the_delivery() {
    ControlArea* area = &fresh_area(call);
    idt[V32_VECTOR_VT] = 0;
    Event event = run(*area);
    {
        Check check("8/#VT through a bad gate: #GP of root");
        check.equal("vector", event.vector, vector::GP);
        check.equal("error code", event.error_code, V32_VECTOR_VT * 8 + idt_bit + ext_bit);
        check.equal("EIP", event.eip, after_V32ENTER());
        check.equal("CR4.V32", cr4() & CR4_V32, 0);
        check.equal("exit_reason", area->exit.exit_reason, static_cast<u32>(Reason::V32CALL));
    }
    default_gate(V32_VECTOR_VT);
    idt[V32_VECTOR_VT] &= ~(u64{present} << 40);
    area = &fresh_area(call);
    event = run(*area);
    {
        Check check("8/#VT is benign: a second fault is that fault, not #DF");
        check.equal("vector", event.vector, vector::NP);
        check.equal("error code", event.error_code, V32_VECTOR_VT * 8 + idt_bit + ext_bit);
        check.equal("EIP", event.eip, after_V32ENTER());
    }
    default_gate(V32_VECTOR_VT);
    struct {
        const char* name;
        u32 vector;
        bool doubles;
    } const cases[] = {
        {"8/an exit of #UD through an absent gate: #NP of root", vector::UD, false},
        {"8/an exit of #GP through an absent gate: #DF of root", vector::GP, true},
        {"8/an exit of #PF through an absent gate: #DF of root", vector::PF, true},
        {"8/an exit of #DE through an absent gate: #DF of root", vector::DE, true},
    };
    for (const auto& c : cases) {
        const Code code = c.vector == vector::UD   ? undefined
                          : c.vector == vector::GP ? load_ds_eax
                          : c.vector == vector::PF ? page_fault
                                                   : divide_by_0;
        area = &fresh_area(code);
        area->guest.gpr[EAX] = 0x1110;
        idt[c.vector] &= ~(u64{present} << 40);
        event = run(*area);
        default_gate(c.vector);
        Check check(c.name);
        check.equal("vector", event.vector, c.doubles ? vector::DF : vector::NP);
        check.equal("error code", event.error_code, c.doubles ? 0 : c.vector * 8 + idt_bit + ext_bit);
        check.equal("EIP", event.eip, after_V32ENTER());
        check.equal("exit_reason", area->exit.exit_reason, static_cast<u32>(Reason::EXCEPTION));
    }
}

// --- EXTINT and NMI

void external_interrupt() {
    ControlArea* area = &fresh_area(call);
    area->controls = EXTINT_EXIT;
    area->guest.eflags |= IF;
    pend_external_interrupt();
    Wanted w = wanted(*area, Reason::EXTINT);
    w.event = an_event(event_external, external_vector);
    expect_exit("8/EXTINT arrives at the controller's vector, without error code", *area, w);
    check("8/EXTINT: the controller is acknowledged", external_interrupt_in_service());
    end_external_interrupt();

    area = &fresh_area(call); // halted; the exit saves that
    area->controls = EXTINT_EXIT;
    area->guest.eflags |= IF;
    area->guest.activity = 1;
    pend_external_interrupt();
    w = wanted(*area, Reason::EXTINT);
    w.event = an_event(event_external, external_vector);
    expect_exit("4.4/activity 1: an exit from the halt saves it", *area, w);
    end_external_interrupt();
    area->guest.activity = 1;
    area->controls = 0;
    area->guest.sif = 1;
    give_event(*area, external_vector);
    pend_external_interrupt();
    w = delivered(*area, {.vector = external_vector});
    w.guest.activity = 0;
    expect_exit("4.4/activity 1: entry resumes the halt, an interrupt of the guest's ends it", *area, w);
    end_external_interrupt();
}

// NMI by the local APIC, as an interrupt to itself: sent by the guest.
[[gnu::naked]] void send_nmi() { asm("mov %eax, (%ebx); 1: jmp 1b"); }
[[gnu::naked]] void int_40() { asm("nop; nop; nop; nop; int $0x40"); }
constexpr u32 nmi_to_itself = 0x00044400, command_register = 0xfee00300;

void nmi() {
    word_at(0xfee000f0) = 0x1ff; // software enable
    ControlArea& area = fresh_area(send_nmi);
    guest_directory[0x3fb] = 0xfec00000 | page_large | page_present | page_writable;
    area.guest.cr4 |= PSE;
    area.guest.gpr[EAX] = nmi_to_itself;
    area.guest.gpr[EBX] = command_register;
    Wanted w = wanted(area, Reason::NMI);
    w.event = an_event(event_NMI, 2);
    run(area);
    w.guest.eip = area.guest.eip; // a boundary or two later
    judge_exit("8/NMI arrives at vector 2, without error code", area, w);

    // Until root's IRET another NMI waits. The harness's way back from the exit has no IRET; enter() begins with one.
    word_at(command_register) = nmi_to_itself;
    const Event event = enter(in_ring(0, int_40));
    check_equal("8/NMI: blocked in root until IRET", event.vector, vector::NMI);
    check_equal("8/NMI: taken at the first boundary behind IRET", event.eip, address(int_40));
    enter(in_ring(0, int_40)); // its own blocking ends
}

} // namespace

void v32_tests() {
    address_space();
    vectors_and_error_codes();
    more_vectors();
    whatever_IF();
    loop_of_a_vmm();
    handler_returns();
    faults_in_the_delivery();
    external_interrupt();
    nmi();
}
