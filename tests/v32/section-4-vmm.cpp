// Section 4.4, the VMM's side: V32ENTER saves root's state in the VMM record, the exit loads it. Every field, and what
// is not switched: DR0 to DR3, x87, SSE.
//
// expect_exit() compares the VMM record and root's registers at every exit; here root's state is as odd as it can be.
#include "tests/v32/harness.hpp"

using namespace proof;

namespace {

[[gnu::naked]] void call() { asm(CALL_VMM); }

// --- Root's descriptor caches. A handler of #VT reads through each register before the harness sets them flat.

struct Caches {
    u32 es, ds, fs, gs;
};
extern "C" Caches v32_caches;
Caches v32_caches __attribute__((used));
extern "C" u32 v32_harness_handler;
u32 v32_harness_handler __attribute__((used));

[[gnu::naked]] void read_caches() {
    asm("push %eax\n"
        "mov %es:0, %eax; mov %eax, %ss:v32_caches\n"
        "mov %ds:0, %eax; mov %eax, %ss:v32_caches + 4\n"
        "mov %fs:0, %eax; mov %eax, %ss:v32_caches + 8\n"
        "mov %gs:0, %eax; mov %eax, %ss:v32_caches + 12\n"
        "pop %eax\n"
        "jmp *%ss:v32_harness_handler");
}

// Segments of root with bases of their own; their descriptors are gone from the GDT by the time of the exit, as root's
// caches live on in the VMM record alone.
[[gnu::naked]] void zero_slots_and_call() {
    asm("mov %ecx, (%edi); mov %ecx, 4(%edi); mov %ecx, 8(%edi); mov %ecx, 12(%edi)\n"
        "mov %ecx, 16(%edi); mov %ecx, 20(%edi); mov %ecx, 24(%edi); mov %ecx, 28(%edi)\n" CALL_VMM);
}

constexpr u32 slot = first_free_slot + 10; // of root's GDT: ES, DS, FS, GS

void caches() {
    ControlArea& area = fresh_area(zero_slots_and_call);
    Registers vmm = vmm_registers();
    struct {
        u32 access, size, limit;
    } const kinds[4] = {{data_writable, bits32, 0x12345},
                        {data_readonly, bytes, 0x23456},
                        {code_readable | dpl(3), bits32 | pages, 0x3},
                        {data_writable | dpl(2), 1 /* AVL */, 0xfffff}};
    for (u32 i = 0; i < 4; ++i) {
        const u32 base = scratch + 0x1000 * i;
        word_at(base) = 0xcace0000 + i;
        gdt[slot + i] = descriptor(base, kinds[i].limit, present | kinds[i].access, kinds[i].size);
    }
    vmm.es = slot_selector(slot);
    vmm.ds = slot_selector(slot + 1);
    vmm.fs = slot_selector(slot + 2, 3);
    vmm.gs = slot_selector(slot + 3, 1);
    area.guest.gpr[ECX] = 0;
    area.guest.gpr[EDI] = address(&gdt[slot]);
    v32_harness_handler = handler_of(V32_VECTOR_VT);
    idt[V32_VECTOR_VT] = gate(code_selector(0), address(read_caches), present | interrupt_gate32);
    run(area, vmm);
    default_gate(V32_VECTOR_VT);

    Check check("4.4/root's descriptor caches are saved and loaded");
    check.that("entered", entered());
    check.equal("the guest has taken the descriptors away", static_cast<u32>(gdt[slot]), 0);
    check.equal("ES", v32_caches.es, 0xcace0000);
    check.equal("DS", v32_caches.ds, 0xcace0001);
    check.equal("FS", v32_caches.fs, 0xcace0002);
    check.equal("GS", v32_caches.gs, 0xcace0003);
    const SegmentRegister order[4] = {ES, DS, FS, GS};
    const u32 attributes[4] = {0x493, 0x091, 0xcfb, 0x1d3}, limits[4] = {0x12345, 0x23456, 0x3fff, 0xfffff};
    const u32 selectors[4] = {vmm.es, vmm.ds, vmm.fs, vmm.gs};
    for (u32 i = 0; i < 4; ++i) {
        const SegmentRecord& segment = area.vmm.segment[order[i]];
        check.equal("selector", segment.selector, selectors[i]);
        check.equal("attributes", segment.attributes, attributes[i]);
        check.equal("limit", segment.limit, limits[i]);
        check.equal("base", segment.base, scratch + 0x1000 * i);
    }
}

void null_selectors() {
    ControlArea& area = fresh_area(call);
    Registers vmm = vmm_registers();
    vmm.fs = vmm.gs = 0;
    vmm.es = 3;
    run(area, vmm);
    Check check("4.4/root's null selectors: unusable, base and limit 0");
    for (const SegmentRegister i : {FS, GS, ES}) {
        const SegmentRecord& segment = area.vmm.segment[i];
        check.equal("attributes", segment.attributes, unusable);
        check.equal("limit", segment.limit, 0);
        check.equal("base", segment.base, 0);
    }
    check.equal("selector of ES", area.vmm.segment[ES].selector, 3);
}

// LDTR, GDTR, IDTR, TR, DR6, DR7, SYSENTER registers, EFER, CR0, CR4: distinct values in root, others in the guest.
void system_registers() {
    ControlArea& area = fresh_area(call);
    gdt[slot] = descriptor(scratch, 0x2f, present | ldt_type, 0);
    load_ldt(slot_selector(slot));
    asm volatile("mov %0, %%dr7" : : "r"(0x500));
    asm volatile("mov %0, %%dr6" : : "r"(0xffff2ff3));
    asm volatile("mov %0, %%cr2" : : "r"(0x0badcafe));
    write_msr(0xc0000080, NXE);
    write_msr(0x174, 0xabcd);
    set_cr4(cr4() | TSD | DE);
    set_cr0(cr0() | AM | TS);
    run(area);
    Check check("4.4/root's system registers are saved and loaded");
    check.that("entered", entered());
    const StateRecord& vmm = area.vmm;
    check.equal("LDTR attributes", vmm.segment[LDTR].attributes, ldt_attributes);
    check.equal("LDTR limit", vmm.segment[LDTR].limit, 0x2f);
    check.equal("LDTR base", vmm.segment[LDTR].base, scratch);
    check.equal("LDTR selector", vmm.segment[LDTR].selector, slot_selector(slot));
    check.equal("DR7", vmm.dr7, 0x500);
    check.equal("DR6", vmm.dr6, 0xffff2ff3);
    check.equal("CR2", vmm.cr2, 0x0badcafe);
    check.equal("EFER", vmm.efer[0], NXE);
    check.equal("SYSENTER_CS", vmm.sysenter_cs, 0xabcd);
    check.equal("CR0", vmm.cr0, PG | WP | NE | ET | PE | AM | TS);
    check.equal("CR4", vmm.cr4, PSE | TSD | DE);
    u32 ldtr, dr6, dr7;
    asm volatile("sldt %0" : "=r"(ldtr));
    asm volatile("mov %%dr6, %0" : "=r"(dr6));
    asm volatile("mov %%dr7, %0" : "=r"(dr7));
    check.equal("LDTR back", ldtr & 0xffff, slot_selector(slot));
    check.equal("DR6 back", dr6, 0xffff2ff3);
    check.equal("DR7 back", dr7, 0x500);
    check.equal("CR2 back", cr2(), 0x0badcafe);
    check.equal("EFER back", static_cast<u32>(read_msr(0xc0000080)), NXE);
    check.equal("SYSENTER_CS back", static_cast<u32>(read_msr(0x174)), 0xabcd);
    check.equal("CR0 back", cr0(), PG | WP | NE | ET | PE | AM | TS);
    check.equal("CR4 back", cr4(), PSE | TSD | DE);
    set_cr0(cr0() & ~u32{AM | TS});
    set_cr4(PSE);
    write_msr(0xc0000080, 0);
    load_ldt(0);
    asm volatile("mov %0, %%dr7" : : "r"(0x400));
    asm volatile("mov %0, %%dr6" : : "r"(0xffff0ff0));
}

void fields_that_are_0() {
    ControlArea& area = fresh_area(call, 3);
    area.guest.sif = 1;
    area.guest.interruptibility = 3;
    auto* record = reinterpret_cast<u8*>(&area.vmm);
    for (u32 i = 0; i < sizeof area.vmm; ++i) record[i] = 0xff; // of no account
    Registers vmm = vmm_registers();
    vmm.eflags |= IF;
    expect_exit("4.4/VMM record: cpl, activity, sif, pending_debug, interruptibility[1:0] are 0", area,
                wanted(area, Reason::V32CALL, 3), vmm);
    check_equal("4.4/VMM record: cpl", area.vmm.cpl, 0);
    check_equal("4.4/VMM record: activity", area.vmm.activity, 0);
    check_equal("4.4/VMM record: sif", area.vmm.sif, 0);
    check_equal("4.4/VMM record: pending_debug", area.vmm.pending_debug, 0);
    check_equal("4.4/VMM record: interruptibility", area.vmm.interruptibility & 3, 0);
}

// V32ENTER right behind STI or MOV SS in root: no blocking is left when the exit has come.
[[gnu::naked]] void sti_enter() { asm("sti; .byte 0x0f, 0x04, 0xc0; int $0x40"); }
[[gnu::naked]] void mov_ss_enter() { asm("mov %ss, %esi; mov %esi, %ss; .byte 0x0f, 0x04, 0xc0; int $0x40"); }

void behind_blocking_instructions() {
    for (Code code : {sti_enter, mov_ss_enter}) {
        ControlArea& area = fresh_area(call);
        Registers vmm = vmm_registers();
        vmm.eip = address(code);
        const Event event = run(area, vmm);
        Check check("4.4/V32ENTER behind STI or MOV SS: no blocking in the VMM record");
        check.equal("vector", event.vector, V32_VECTOR_VT);
        check.equal("interruptibility", area.vmm.interruptibility & 3, 0);
        check.equal("guest interruptibility", area.guest.interruptibility, 0);
    }
}

void flags_of_root() {
    for (const u32 flags : {u32{CF}, u32{OF} | SF, u32{DF}, u32{IF}, u32{NT}, u32{IOPL3}, u32{AC}, u32{1} << 21,
                            status_flags | IOPL3 | IF | AC}) {
        ControlArea& area = fresh_area(call);
        Registers vmm = vmm_registers();
        vmm.eflags |= flags;
        expect_exit("4.4/root's EFLAGS are saved and loaded", area, wanted(area, Reason::V32CALL, 3), vmm);
    }
    ControlArea& area = fresh_area(call);
    Registers vmm = vmm_registers();
    vmm.eflags |= TF;
    expect_exit("4.4/TF of root: V32ENTER raises no trap", area, wanted(area, Reason::V32CALL, 3), vmm);
    u32 dr6;
    asm volatile("mov %%dr6, %0" : "=r"(dr6));
    check_equal("4.4/TF of root: DR6.BS stays clear", dr6 & 0x4000, 0);
}

// --- Not switched

[[gnu::naked]] void change_debug_registers() {
    asm("mov %dr0, %eax; mov %dr3, %ecx; mov %edx, %dr1; mov %ebx, %dr2\n" CALL_VMM);
}
[[gnu::naked]] void double_st() { asm("fadd %st, %st\n" CALL_VMM); }
[[gnu::naked]] void paddd() { asm("paddd %xmm0, %xmm0\n" CALL_VMM); }

void debug_registers() {
    ControlArea& area = fresh_area(change_debug_registers);
    asm volatile("mov %0, %%dr0; mov %0, %%dr1; mov %0, %%dr2; mov %1, %%dr3" : : "r"(0x1234), "r"(0x5678));
    area.guest.gpr[EDX] = 0x9abc;
    area.guest.gpr[EBX] = 0xdef0;
    run(area);
    u32 dr1, dr2;
    asm volatile("mov %%dr1, %0" : "=r"(dr1));
    asm volatile("mov %%dr2, %0" : "=r"(dr2));
    Check check("4.4/DR0 to DR3 are not switched");
    check.equal("DR0 in the guest", area.guest.gpr[EAX], 0x1234);
    check.equal("DR3 in the guest", area.guest.gpr[ECX], 0x5678);
    check.equal("DR1 in root", dr1, 0x9abc);
    check.equal("DR2 in root", dr2, 0xdef0);
}

void numeric_registers() {
    ControlArea* area = &fresh_area(double_st);
    const u32 three = 3;
    u32 six = 0;
    asm volatile("fninit; fildl %0" : : "m"(three));
    run(*area);
    asm volatile("fistpl %0; fninit" : "=m"(six));
    check_equal("4.4/x87 state is not switched", six, 6);

    set_cr4(cr4() | OSFXSR);
    alignas(16) const u32 words[4] = {1, 20, 300, 4000};
    alignas(16) u32 doubled[4] = {};
    area = &fresh_area(paddd);
    area->guest.cr4 |= OSFXSR;
    asm volatile("movups %0, %%xmm0" : : "m"(words));
    run(*area);
    asm volatile("movups %%xmm0, %0" : "=m"(doubled));
    set_cr4(PSE);
    Check check("4.4/SSE state is not switched");
    for (u32 i = 0; i < 4; ++i) check.equal("a word of XMM0", doubled[i], 2 * words[i]);
}

// The tool for the lazy switch: CR0.TS in the guest alone.
void lazily() {
    ControlArea& area = fresh_area(double_st);
    area.guest.cr0 |= TS;
    expect_exit("4.4/CR0.TS with redirect_events[7]=0 shows the VMM the first use", area,
                wanted_fault(area, vector::NM, 2));
}

} // namespace

void v32_tests() {
    caches();
    null_selectors();
    system_registers();
    fields_that_are_0();
    behind_blocking_instructions();
    flags_of_root();
    debug_registers();
    numeric_registers();
    lazily();
}
