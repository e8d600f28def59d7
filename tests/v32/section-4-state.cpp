// Section 4.4: the two records. Every field goes into the processor and comes out of it: the guest's loaded values are
// observed by the guest's own instructions, and its own changes are found in the record; root's come back.
#include "tests/v32/harness.hpp"

using namespace proof;

namespace {

[[gnu::naked]] void call() { asm(CALL_VMM); }

// Stores what its instructions see at `seen`, then calls. EBX is kept out of it.
struct Seen {
    u32 gpr[8];
    u32 eflags, cr2, dr6, dr7;
    u16 es, cs, ss, ds, fs, gs, ldtr, tr;
    u16 gdtr_limit;
    u32 gdtr_base;
    u16 idtr_limit;
    u32 idtr_base;
} __attribute__((packed));
extern "C" Seen v32_seen;
Seen v32_seen __attribute__((used));

[[gnu::naked]] void look() {
    asm("mov %eax, v32_seen\n"
        "mov %ecx, v32_seen + 4\n"
        "mov %edx, v32_seen + 8\n"
        "mov %ebx, v32_seen + 12\n"
        "mov %esp, v32_seen + 16\n"
        "mov %ebp, v32_seen + 20\n"
        "mov %esi, v32_seen + 24\n"
        "mov %edi, v32_seen + 28\n"
        "pushf; pop v32_seen + 32\n"
        "mov %cr2, %eax; mov %eax, v32_seen + 36\n"
        "mov %dr6, %eax; mov %eax, v32_seen + 40\n"
        "mov %dr7, %eax; mov %eax, v32_seen + 44\n"
        "mov %es, v32_seen + 48; mov %cs, v32_seen + 50; mov %ss, v32_seen + 52\n"
        "mov %ds, v32_seen + 54; mov %fs, v32_seen + 56; mov %gs, v32_seen + 58\n"
        "sldt v32_seen + 60; str v32_seen + 62\n"
        "sgdt v32_seen + 64; sidt v32_seen + 70\n"
        "mov v32_seen, %eax\n" CALL_VMM);
}

// Distinct everywhere; flat where the code above needs it.
ControlArea& fresh_distinct() {
    ControlArea& area = fresh_area(look);
    StateRecord& guest = area.guest;
    guest.eflags = always | CF | ZF | IOPL3 | 1u << 21;
    guest.cr2 = 0xc2c2c2c2;
    guest.dr6 = 0xffff6ff5;
    guest.dr7 = 0x12340500;
    set_segment(guest.segment[ES], 0x1110, flat_data, 0x1fff, 0x11000);
    set_segment(guest.segment[FS], 0x2220, 0x193, 0x2fff, 0x22000);
    set_segment(guest.segment[GS], 0x3330, 0x492, 0x3fff, 0x33000);
    guest.segment[CS].selector = 0x4440;
    guest.segment[SS].selector = 0x5550;
    guest.segment[DS].selector = 0x6660;
    set_segment(guest.segment[LDTR], 0x7770, 0x782, 0x4fff, 0x44000);
    set_segment(guest.segment[TR], 0x8880, 0x38b, 0x5fff, 0x55000);
    guest.gdtr = {0x6fff, 0x66000};
    guest.idtr = {0x7fff, 0x77000};
    guest.interruptibility = by_NMI;
    guest.efer[0] = NXE;
    return area;
}

void loaded_and_saved() {
    ControlArea& area = fresh_distinct();
    const StateRecord guest = area.guest;
    Wanted w = wanted(area, Reason::V32CALL, 3);
    w.guest.eip = 0;
    run(area);
    w.guest.eip = area.guest.eip; // behind the stores; the rest as it was
    judge_exit("4.4/every field of the guest record comes back as loaded", area, w);

    Check check("4.4/the guest sees every loaded register that it can read");
    for (u32 i = 0; i < 8; ++i) check.equal("a general register", v32_seen.gpr[i], guest.gpr[i]);
    check.equal("EFLAGS", v32_seen.eflags, guest.eflags);
    check.equal("CR2", v32_seen.cr2, guest.cr2);
    check.equal("DR6", v32_seen.dr6, guest.dr6);
    check.equal("DR7", v32_seen.dr7, guest.dr7);
    const u16 selectors[8] = {v32_seen.es, v32_seen.cs, v32_seen.ss,   v32_seen.ds,
                              v32_seen.fs, v32_seen.gs, v32_seen.ldtr, v32_seen.tr};
    for (u32 i = 0; i < 8; ++i) check.equal("a selector", selectors[i], guest.segment[i].selector);
    check.equal("GDTR limit", v32_seen.gdtr_limit, guest.gdtr.limit);
    check.equal("GDTR base", v32_seen.gdtr_base, guest.gdtr.base);
    check.equal("IDTR limit", v32_seen.idtr_limit, guest.idtr.limit);
    check.equal("IDTR base", v32_seen.idtr_base, guest.idtr.base);
}

// Each general register and each bit of it.
void general_registers() {
    for (u32 i = 0; i < 8; ++i) {
        ControlArea& area = fresh_area(call);
        for (u32 j = 0; j < 8; ++j) area.guest.gpr[j] = 0;
        area.guest.gpr[i] = 0xffffffff;
        expect_exit("4.4/each general register has its own place", area, wanted(area, Reason::V32CALL, 3));
    }
}

// --- Caches of segments

[[gnu::naked]] void read_through_all() {
    asm("mov %es:0, %eax; mov %fs:0, %ecx; mov %gs:0, %edx; mov %ds:0, %esi; mov %cs:0, %edi; mov %ss:0, "
        "%ebx\n" CALL_VMM);
}
[[gnu::naked]] void read_es() { asm("mov %es:(%ebx), %eax\n" CALL_VMM); }
[[gnu::naked]] void write_es() { asm("mov %eax, %es:(%ebx)\n" CALL_VMM); }
[[gnu::naked]] void read_ss() { asm("mov %ss:(%ebx), %eax\n" CALL_VMM); }

void bases() {
    ControlArea& area = fresh_area(read_through_all);
    StateRecord& guest = area.guest;
    const u32 reads[6][2] = {{ES, EAX}, {FS, ECX}, {GS, EDX}, {DS, ESI}, {CS, EDI}, {SS, EBX}};
    Wanted w = wanted(area, Reason::V32CALL, 3);
    for (const auto& [segment, gpr] : reads) {
        const u32 base = scratch + 0x1000 * segment;
        word_at(base) = 0xbad00000 + segment;
        if (segment == CS) {
            for (u32 i = 0; i < 64; ++i) byte_at(base + 0x10 + i) = byte_at(guest.eip + i);
            guest.eip = w.guest.eip = 0x10;
        }
        guest.segment[segment].base = w.guest.segment[segment].base = base;
        w.guest.gpr[gpr] = 0xbad00000 + segment;
    }
    run(area);
    w.guest.eip = area.guest.eip;
    judge_exit("4.4/bases are those of the record", area, w);
}

void limit(const char* name, u32 attributes, u32 limit, u32 offset, Code code, bool fits) {
    ControlArea& area = fresh_area(code);
    const bool null = attributes == unusable;
    for (const u32 i : {ES, SS})
        set_segment(area.guest.segment[i], null ? 0 : 0x10, attributes, limit, null ? 0 : scratch);
    area.guest.gpr[EBX] = offset;
    area.guest.gpr[EAX] = 0;
    if (scratch + offset + 4 < scratch_end) word_at(scratch + offset) = 0;
    constexpr u32 length = 3;
    if (!fits) {
        expect_exit(name, area, wanted_fault(area, code == read_ss ? vector::SS : vector::GP, length, 0));
        return;
    }
    Wanted w = wanted(area, Reason::V32CALL, 3);
    w.guest.eip += length;
    expect_exit(name, area, w);
}

void limits_and_attributes() {
    limit("4.4/limits are byte limits: the last word", 0x093, 0x1237, 0x1234, read_es, true);
    limit("4.4/limits are byte limits: one byte more", 0x093, 0x1237, 0x1235, read_es, false);
    limit("4.4/G is ignored: the last word", 0x893, 0x1237, 0x1234, read_es, true);
    limit("4.4/G is ignored: one byte more", 0x893, 0x1237, 0x1235, read_es, false);
    limit("4.4/a limit over 1 MiB with G=0", 0x093, 0x200003, 0x200000, read_es, true);
    limit("4.4/a limit of 0", 0x093, 0, 0, read_es, false);
    limit("4.4/expand-down: above the limit", 0x497, 0xfff, 0x1000, read_es, true);
    limit("4.4/expand-down: at the limit", 0x497, 0xfff, 0xffc, read_es, false);
    limit("4.4/expand-down, 16 bits: up to FFFFH", 0x097, 0xfff, 0xfffc, read_es, true);
    limit("4.4/expand-down, 16 bits: over FFFFH", 0x097, 0xfff, 0xfffd, read_es, false);
    limit("4.4/a read-only segment is read", 0x491, 0xffff, 0, read_es, true);
    limit("4.4/a read-only segment is not written", 0x491, 0xffff, 0, write_es, false);
    limit("4.4/an execute-only segment is not read", 0x499, 0xffff, 0, read_es, false);
    limit("4.4/a readable code segment is read", 0x49b, 0xffff, 0, read_es, true);
    limit("4.4/an unusable register is not read", unusable, 0, 0, read_es, false);
    limit("4.4/an unusable SS is not read", unusable, 0, 0, read_ss, false);
    limit("4.4/SS has its limit", 0x493, 0x1237, 0x1235, read_ss, false);
    for (u32 attributes : {0x93u, 0xf93u, 0xc92u, 0x490u, 0x297u, 0xf9fu, 0x7b3u, 0xcd3u, 0xcf3u}) {
        ControlArea& area = fresh_area(call);
        set_segment(area.guest.segment[GS], 0x1233, attributes, 0x89abcdef, 0xfedcba98);
        expect_exit("4.4/attributes come back as given, accessed or not", area, wanted(area, Reason::V32CALL, 3));
    }
    for (u32 i = ES; i <= TR; ++i) {
        if (i == CS) continue;
        ControlArea& area = fresh_area(call);
        set_segment(area.guest.segment[i], 0, unusable, 0, 0);
        expect_exit("4.4/an unusable null register comes back", area, wanted(area, Reason::V32CALL, 3));
        set_segment(area.guest.segment[i], 0, unusable, 0, 0);
        Wanted w = wanted(area, Reason::V32CALL, 3);
        set_segment(area.guest.segment[i], 0, unusable | 0xfff, 0x1234, 0x5678);
        expect_exit("4.4/an unusable register is saved as 8000H with base and limit 0", area, w);
        set_segment(w.guest.segment[i], 0x1238, unusable, 0, 0);
        set_segment(area.guest.segment[i], 0x1238, unusable | 0x93, 0xffff, scratch);
        expect_exit("4.4/an unusable register keeps its selector", area, w);
    }
    ControlArea& tss16 = fresh_area(call);
    tss16.guest.segment[TR].attributes = 0x83;
    expect_exit("4.4/TR may be a 16-bit TSS", tss16, wanted(tss16, Reason::V32CALL, 3));
}

[[gnu::naked]] void load_null() { asm("xor %eax, %eax; mov %eax, %fs\n" CALL_VMM); }
[[gnu::naked]] void change_all() {
    asm("mov $0x58, %ax; mov %eax, %es; lldt %bx; ltr %cx; mov %edx, %cr2; mov %esi, %dr7; mov %edi, %dr6\n"
        "lgdt 0x400000; lidt 0x400008; push $0x4d7; popf\n" CALL_VMM);
}

// The other direction: what the guest itself changes.
void changed_by_the_guest() {
    ControlArea& null = fresh_area(load_null);
    Wanted w = wanted(null, Reason::V32CALL, 3);
    w.guest.eip += 4;
    w.guest.gpr[EAX] = 0;
    w.guest.eflags |= ZF | PF;
    set_segment(w.guest.segment[FS], 0, unusable, 0, 0);
    expect_exit("4.4/a null selector loaded by the guest is saved unusable", null, w);

    ControlArea& area = fresh_area(change_all);
    guest_gdt[0x58 / 8] = descriptor(0x123450, 0x67, present | data_readonly | dpl(1), pages);
    guest_gdt[0x60 / 8] = descriptor(0x234560, 0x78, present | ldt_type, 0);
    guest_gdt[0x68 / 8] = descriptor(0x345670, 0x89, present | tss32_available, 0);
    word_at(scratch) = 0x56781234; // limit 1234H, base ..5678H
    word_at(scratch + 4) = 0x0000abcd;
    word_at(scratch + 8) = 0x9abc4321;
    word_at(scratch + 12) = 0x0000def0;
    StateRecord& guest = area.guest;
    guest.gpr[EBX] = 0x60;
    guest.gpr[ECX] = 0x68;
    guest.gpr[EDX] = 0x13572468;
    guest.gpr[ESI] = 0x00000700;
    guest.gpr[EDI] = 0xffff0ff0;
    guest.dr6 = 0xffff0fff;
    w = wanted(area, Reason::V32CALL, 3);
    w.guest.gpr[EAX] = (guest.gpr[EAX] & 0xffff0000) | 0x58;
    w.guest.cr2 = 0x13572468;
    w.guest.dr7 = 0x700;
    w.guest.dr6 = 0xffff0ff0;
    w.guest.eflags = 0x4d7; // IF and TF stay 0
    set_segment(w.guest.segment[ES], 0x58, 0x8b1, 0x67fff, 0x123450);
    set_segment(w.guest.segment[LDTR], 0x60, ldt_attributes, 0x78, 0x234560);
    set_segment(w.guest.segment[TR], 0x68, busy_tss, 0x89, 0x345670);
    w.guest.gdtr = {0x1234, 0xabcd5678};
    w.guest.idtr = {0x4321, 0xdef09abc};
    run(area);
    w.guest.eip = area.guest.eip;
    judge_exit("4.4/what the guest changes is saved", area, w);
}

// No descriptor in memory is touched: accessed bits are clear, the TSS available, and stay so.
void descriptors_untouched() {
    ControlArea& area = fresh_area(call);
    for (u32 i = 1; i < first_free_slot; ++i) guest_gdt[i] &= ~(u64{1} << 40);
    guest_gdt[tss_selector / 8] &= ~(u64{2} << 40);
    u64 copy[gdt_slots];
    for (u32 i = 0; i < gdt_slots; ++i) copy[i] = guest_gdt[i];
    const u32 tss_words = sizeof guest_tss / 4;
    u32 sum = 0, sum_after = 0;
    for (u32 i = 0; i < tss_words; ++i) sum += reinterpret_cast<u32*>(&guest_tss)[i] * (i + 1);
    expect_exit("4.4/entry and exit with unaccessed descriptors", area, wanted(area, Reason::V32CALL, 3));
    for (u32 i = 0; i < tss_words; ++i) sum_after += reinterpret_cast<u32*>(&guest_tss)[i] * (i + 1);
    bool same = sum == sum_after;
    for (u32 i = 0; i < gdt_slots; ++i) same = same && copy[i] == guest_gdt[i];
    check("4.4/entry and exit touch no descriptor and no TSS in memory", same);
}

// --- SYSENTER's registers, cpl, EFER: by their effect

[[gnu::naked]] void sysenter() { asm("sysenter"); }
[[gnu::naked]] void cli_there() { asm("cli\n" CALL_VMM); }

void sysenter_registers() {
    ControlArea& area = fresh_area(sysenter, 3);
    StateRecord& guest = area.guest;
    guest.sysenter_cs = code_selector(0);
    guest.sysenter_esp = scratch + 0x123c;
    guest.sysenter_eip = guest_handler(0x77);
    guest.sif = 1;
    Wanted w = wanted(area, Reason::V32CALL, 3);
    w.guest.eip = guest_handler(0x77);
    w.guest.gpr[ESP] = scratch + 0x123c;
    w.guest.cpl = 0;
    w.guest.sif = 0; // by SYSENTER, without an exit
    set_segment(w.guest.segment[CS], code_selector(0), flat_code, 0xffffffff, 0);
    set_segment(w.guest.segment[SS], data_selector(0), flat_data, 0xffffffff, 0);
    expect_exit("4.4/SYSENTER_CS, ESP, EIP are the record's", area, w);
}

void levels() {
    for (u32 cpl = 0; cpl < 4; ++cpl) {
        ControlArea& area = fresh_area(cli_there, 0);
        area.guest.cpl = cpl; // the segments stay ring 0's
        if (cpl) {
            expect_exit("4.4/cpl is the record's, not CS's: CLI is refused", area,
                        wanted_fault(area, vector::GP, 1, 0));
            continue;
        }
        Wanted w = wanted(area, Reason::V32CALL, 3);
        w.guest.eip += 1;
        expect_exit("4.4/cpl 0: CLI without effect is no attempt", area, w);
    }
}

u64 pointer_table[4] __attribute__((aligned(32)));
u64 large_pages[512] __attribute__((aligned(4096)));

[[gnu::naked]] void read_6m() { asm("mov 0x600000, %eax\n" CALL_VMM); }

void efer() {
    for (u32 nxe : {0u, u32{NXE}}) {
        ControlArea& area = fresh_area(read_6m);
        for (u32 i = 0; i < 512; ++i)
            large_pages[i] = u64{i} << 21 | page_large | page_user | page_writable | page_present;
        large_pages[3] |= u64{1} << 63; // reserved without NXE
        pointer_table[0] = address(large_pages) | page_present;
        area.guest.cr4 = PAE;
        area.guest.cr3 = address(pointer_table);
        area.guest.efer[0] = nxe;
        word_at(0x600000) = 0x66006600;
        if (nxe) {
            Wanted w = wanted(area, Reason::V32CALL, 3);
            w.guest.eip += 5;
            w.guest.gpr[EAX] = 0x66006600;
            expect_exit("4.4/EFER.NXE of the guest: bit 63 is execute-disable", area, w);
        } else {
            Wanted w = wanted_fault(area, vector::PF, 5, page_present | 8);
            w.qualification_value = 0x600000;
            expect_exit("4.4/EFER.NXE of the guest clear: bit 63 is reserved", area, w);
        }
    }
}

void flag_fields() {
    ControlArea* area = &fresh_area(call);
    Wanted w = wanted(*area, Reason::V32CALL, 3);
    area->guest.cr4 |= CR4_V32;
    expect_exit("4.4/guest CR4[15] is ignored, and saved as 0", *area, w);
    area = &fresh_area(call);
    area->guest.cr4 = VME | PVI | TSD | DE | PSE | PGE;
    expect_exit("4.4/guest CR4 comes back", *area, wanted(*area, Reason::V32CALL, 3));
    area = &fresh_area(call);
    area->guest.cr0 |= MP | EM | TS | WP | AM | CD | NW;
    expect_exit("4.4/guest CR0 comes back", *area, wanted(*area, Reason::V32CALL, 3));
    area = &fresh_area(call);
    area->guest.cr3 |= 0x18;
    expect_exit("4.4/guest CR3 comes back with PWT and PCD", *area, wanted(*area, Reason::V32CALL, 3));
    for (u32 policy : {u32{IF_TRAP}, u32{IF_SHADOW}, IF_DIRECT | u32{EXTINT_EXIT}})
        for (u32 sif : {0u, 1u})
            for (u32 flag : {0u, u32{IF}}) {
                area = &fresh_area(call);
                area->controls = policy;
                area->guest.sif = sif;
                area->guest.eflags |= flag;
                expect_exit("4.4/sif is saved equal to the visible IF", *area, wanted(*area, Reason::V32CALL, 3));
            }
    for (u32 blocking = 0; blocking < 8; ++blocking) {
        area = &fresh_area(call);
        area->guest.interruptibility = blocking;
        expect_exit("4.4/interruptibility comes back if nothing ran", *area, wanted(*area, Reason::V32CALL, 3));
    }
}

// --- Blocking, halting, pending traps

[[gnu::naked]] void mov_ss() { asm("mov %ss, %eax; mov %eax, %ss\n" CALL_VMM); }
[[gnu::naked]] void sti() { asm("sti\n" CALL_VMM); }
[[gnu::naked]] void nops() { asm("nop\n" CALL_VMM); }
[[gnu::naked]] void iret_to_eax() { asm("pushf; push %cs; push %eax; iret"); }
[[gnu::naked]] void halt() { asm("hlt\n" CALL_VMM); }

void blocking() {
    ControlArea* area = &fresh_area(mov_ss);
    Wanted w = wanted(*area, Reason::V32CALL, 3);
    w.guest.eip += 4;
    w.guest.gpr[EAX] = data_selector(0);
    w.guest.interruptibility = by_MOV_SS;
    expect_exit("4.4/interruptibility[1] behind MOV SS", *area, w);
    area = &fresh_area(sti);
    area->controls = IF_SHADOW;
    w = wanted(*area, Reason::V32CALL, 3);
    w.guest.eip += 1;
    w.guest.sif = 1;
    w.guest.interruptibility = by_STI;
    expect_exit("4.4/interruptibility[0] behind STI", *area, w);
    area = &fresh_area(nops);
    area->guest.interruptibility = by_STI | u32{by_MOV_SS} | by_NMI;
    w = wanted(*area, Reason::V32CALL, 3);
    w.guest.eip += 1;
    w.guest.interruptibility = by_NMI;
    expect_exit("4.4/blocking by STI and MOV SS ends with an instruction", *area, w);
    area = &fresh_area(iret_to_eax);
    area->guest.interruptibility = by_NMI;
    area->guest.gpr[EAX] = guest_handler(0x33);
    w = wanted(*area, Reason::V32CALL, 3);
    w.guest.eip = guest_handler(0x33);
    w.guest.interruptibility = 0;
    expect_exit("4.4/blocking by NMI ends with the guest's IRET", *area, w);
}

void halted() {
    ControlArea& area = fresh_area(halt);
    area.controls = WINDOW_EXIT;
    Wanted w = wanted(area, Reason::V32CALL, 3);
    w.reason = Reason::IF_WINDOW;
    w.length = 0;
    area.guest.activity = w.guest.activity = 1;
    area.guest.sif = w.guest.sif = 1;
    expect_exit("4.4/activity 1: entry resumes the halt, and it is saved", area, w);
    area.inject_event = exception_event(vector::UD);
    area.controls = 0;
    Wanted woken = delivered(area, {.vector = vector::UD});
    woken.guest.activity = 0;
    expect_exit("4.4/activity 0 after the event that ends the halt", area, woken);
}

void pending_debug() {
    ControlArea* area = &fresh_area(call);
    area->guest.pending_debug = 0x400f;
    Wanted w = wanted(*area, Reason::EXCEPTION);
    w.event = exception_event(vector::DB);
    w.qualification_value = 0x400f;
    w.guest.pending_debug = 0;
    expect_exit("4.4/pending_debug: the trap is taken first, and exits", *area, w);
    area = &fresh_area(call);
    area->guest.pending_debug = 0x4003;
    give_event(*area, vector::DB);
    w = delivered(*area, {.vector = vector::DB});
    w.guest.pending_debug = 0;
    w.guest.dr6 |= 0x4003;
    expect_exit("4.4/pending_debug: the trap is the guest's", *area, w);
    for (const u32 pending : {0x4000u, 1u, 2u, 4u, 8u, 0x400fu}) {
        area = &fresh_area(call);
        area->guest.pending_debug = pending;
        area->guest.interruptibility = by_MOV_SS;
        expect_exit("4.4/pending_debug stays pending behind MOV SS", *area, wanted(*area, Reason::V32CALL, 3));
    }
}

} // namespace

void v32_tests() {
    loaded_and_saved();
    general_registers();
    bases();
    limits_and_attributes();
    changed_by_the_guest();
    descriptors_untouched();
    sysenter_registers();
    levels();
    efer();
    flag_fields();
    blocking();
    halted();
    pending_debug();
}
