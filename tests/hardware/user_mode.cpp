// The user-mode set: CPL 3, flat segments, three stretches of 16 KiB present; exactly one instruction.
//
// An exception is delivered for real, through an IDT of ring-0 gates whose handlers are a HLT each: which one the
// processor stops in tells the vector, and the ring-0 stack holds the interrupted program's EIP, EFLAGS and ESP.
#include "tests/hardware/runner.hpp"

namespace truering {

namespace {

constexpr u32 stretches[] = {0x1000'0000, 0x2000'0000, 0x3000'0000};
constexpr u32 stretch_size = 16 * 1024;
constexpr u32 physical_base = 0x10'0000; // where the stretches lie
constexpr u32 directory = 0x1000, first_table = 0x2000;
// The supervisor's part, identity-mapped.
constexpr u32 system_table = 0x5000, gdt = 0x6000, idt = 0x7000, tss = 0x8000, stack_top = 0xA000, handlers = 0xB000;
constexpr u32 system_size = 0xC000;
constexpr u16 system_code = 0x08, system_data = 0x10, tss_selector = 0x18;
constexpr u32 iteration_limit = 1'000'000; // of a REP string instruction

struct RegisterName {
    const char* name;
    Gpr index;
};
constexpr RegisterName registers[] = {{"EAX", reg_EAX}, {"ECX", reg_ECX}, {"EDX", reg_EDX}, {"EBX", reg_EBX},
                                      {"ESP", reg_ESP}, {"EBP", reg_EBP}, {"ESI", reg_ESI}, {"EDI", reg_EDI}};

constexpr u32 compared_flags = 0x003F'7FD7;

Segment flat(u16 selector, u16 attributes) {
    Segment s;
    s.selector = selector;
    s.attributes = attributes;
    s.limit = 0xFFFF'FFFF;
    return s;
}

} // namespace

UserModeRunner::UserModeRunner() : machine_(*find_cpu_model("pentium4"), u64{4} << 20) {
    const auto poke = [&](u32 address, u32 value) { machine_.memory.write({address}, value, 4); };
    for (u32 n = 0; n < 3; ++n) {
        const u32 table = first_table + n * page_size;
        poke(directory + (stretches[n] >> 22) * 4, table | 7);
        for (u32 page = 0; page < stretch_size / page_size; ++page)
            poke(table + page * 4, (physical_base + n * stretch_size + page * page_size) | 0x67);
    }
    poke(directory, system_table | 3);
    for (u32 address = 0; address < system_size; address += page_size)
        poke(system_table + address / 1024, address | 0x63);
    poke(gdt + system_code, 0x0000'FFFF), poke(gdt + system_code + 4, 0x00CF'9B00);
    poke(gdt + system_data, 0x0000'FFFF), poke(gdt + system_data + 4, 0x00CF'9300);
    for (u32 vector = 0; vector < 256; ++vector) {
        const u32 handler = handlers + vector;
        machine_.memory.write({handler}, 0xF4, 1);
        poke(idt + vector * 8, u32{system_code} << 16 | (handler & 0xFFFF));
        poke(idt + vector * 8 + 4, (handler & 0xFFFF'0000) | 0xEE00); // a 32-bit interrupt gate, DPL 3
    }
    poke(tss + 4, stack_top), poke(tss + 8, system_data);
}

u64 UserModeRunner::physical(u32 linear) {
    for (u32 n = 0; n < 3; ++n)
        if (linear - stretches[n] < stretch_size) return physical_base + n * stretch_size + (linear - stretches[n]);
    throw std::runtime_error("a test names memory outside the three stretches: " + hex(linear));
}

void UserModeRunner::load(const moo::Test& test) {
    Cpu& cpu = machine_.cpu;
    const moo::Registers& initial = test.initial.registers;
    cpu.reset();
    cpu.cr0 = CR0_PE | CR0_PG | CR0_NE | CR0_WP | CR0_ET;
    cpu.cr4 = CR4_OSFXSR | CR4_OSXMMEXCPT;
    cpu.cr3 = directory;
    cpu.flush_tlb();
    // Selectors as 32-bit programs have them under a 64-bit Linux; the captured tests do not name them.
    cpu.set_segment(seg_CS, flat(0x23, 0xCFB));
    for (const SegmentIndex index : {seg_SS, seg_DS, seg_ES}) cpu.set_segment(index, flat(0x2B, 0xCF3));
    for (const SegmentIndex index : {seg_FS, seg_GS}) cpu.set_segment(index, Segment{});
    Segment task;
    task.selector = tss_selector;
    task.attributes = 0x8B;
    task.base = tss;
    task.limit = 103;
    cpu.set_segment(seg_TR, task);
    cpu.gdtr = {gdt, 0xFF};
    cpu.idtr = {idt, 0x7FF};
    cpu.set_cpl(3);
    for (const RegisterName& r : registers) cpu.gpr[r.index] = initial.at(r.name);
    cpu.eip = initial.at("EIP");
    cpu.set_eflags(initial.at("EFLAGS"), compared_flags);
    const u32 code_page = cpu.eip & ~page_offset_mask;
    for (u32 n = 0; n < page_size; ++n) machine_.memory.write({physical(code_page + n)}, 0x90, 1);
    for (const auto& [address, value] : test.initial.ram) machine_.memory.write({physical(address)}, value, 1);
}

std::string UserModeRunner::compare(const moo::File& file, const moo::Test& test) {
    Cpu& cpu = machine_.cpu;
    Comparison c;
    const auto expected = [&](const char* name) {
        const auto changed = test.final.registers.find(name);
        return changed != test.final.registers.end() ? changed->second : test.initial.registers.at(name);
    };
    const u32 flag_mask = compared_flags & mask_of(file, test, "EFLAGS") & ~u32{EFLAGS_RF};
    const Seen seen = look();
    for (const RegisterName& r : registers)
        c.check(r.name, r.index == reg_ESP ? seen.esp : cpu.gpr[r.index], expected(r.name),
                mask_of(file, test, r.name));
    c.check("EIP", seen.eip, expected("EIP"), 0xFFFF'FFFF);
    c.check("EFLAGS", seen.eflags, expected("EFLAGS"), flag_mask);
    if (seen.vector != (test.exception ? int{test.exception->vector} : -1))
        c.differences += fmt::format(" ended with exception {}, not {}; (-1: none)", seen.vector,
                                     test.exception ? int{test.exception->vector} : -1);
    for (const auto& [address, value] : test.final.ram)
        c.check("byte at " + hex(address), machine_.memory.read({physical(address)}, 1), value, 0xFF);
    return c.differences;
}

UserModeRunner::Seen UserModeRunner::look() {
    const Cpu& cpu = machine_.cpu;
    if (!cpu.halted) return {-1, cpu.eip, cpu.eflags(), cpu.gpr[reg_ESP]};
    const auto pushed = [&](u32 below) { return machine_.memory.read({stack_top - below}, 4); };
    return {static_cast<int>(cpu.eip - 1 - handlers), pushed(20), pushed(12), pushed(8)};
}

std::string UserModeRunner::run(const moo::File& file, const moo::Test& test) {
    load(test);
    Cpu& cpu = machine_.cpu;
    const u32 start = cpu.eip;
    const u32 limit = is_repeating(test) ? iteration_limit : 1;
    for (u32 step = 0; step < limit && cpu.eip == start; ++step) cpu.run(1);
    if (cpu.cpl == 0) cpu.run(1); // the handler's HLT
    const std::string differences = compare(file, test);
    for (const auto* ram : {&test.initial.ram, &test.final.ram})
        for (const auto& [address, value] : *ram) machine_.memory.write({physical(address)}, 0, 1);
    return differences;
}

bool UserModeRunner::is_repeating(const moo::Test& test) const {
    const Decoded decoded = decode(test.bytes, CodeSize::Bits32, machine_.cpu.model.features);
    return decoded.status == DecodeStatus::Complete && decoded.instruction.repeat != Repeat::None;
}

} // namespace truering
