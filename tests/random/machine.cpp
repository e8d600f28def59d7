#include "tests/random/machine.hpp"

#include "jit/x86_64/translator.hpp"
#include "tests/random/tables.hpp"

namespace truering::random_test {

namespace {

constexpr u16 first_port = 0, port_count = 0x200;
u8 rom[place::rom_end - place::rom]; // all zero: 00 00 is ADD [EAX], AL

} // namespace

Machine::Machine(Engine engine, std::size_t code_bytes, const Plan& plan, const Image& image)
    : memory(place::ram_end), cpu(*find_cpu_model("pentium4"), memory, ports, clock) {
    clock.follow(cpu);
    chip.follow(cpu);
    interrupts.follow(cpu);
    cpu.connect_interrupts(interrupts);
    memory.map_device(Physical{place::device}, place::device_end - place::device, chip);
    memory.map_rom(Physical{place::rom}, rom);
    ports.map(first_port, port_count, chip, PortWidth::Dword);
    fill_memory(memory.ram(), plan, image);
    cpu.reset();
    start(plan.setup, image);
    if (engine == Engine::Interpreter) {
        cpu.enable_coverage();
    } else {
        translator_ =
            code_bytes == 0 ? std::make_unique<Translator>(cpu) : std::make_unique<Translator>(cpu, code_bytes);
        counter_ = std::make_unique<CountingRunner>(cpu, *translator_);
    }
}

void Machine::load_segment(unsigned index, const Setup& setup) {
    Segment s = setup.segment[index];
    s.selector = program_selector(index, setup.cpl);
    s.attributes = static_cast<u16>(s.attributes | setup.cpl << 5);
    cpu.set_segment(static_cast<SegmentIndex>(index), s);
}

void Machine::start(const Setup& setup, const Image& image) {
    cpu.cr0 = CR0_PE | CR0_ET | CR0_NE | setup.cr0 | (setup.paging == Paging::Off ? 0 : u32{CR0_PG});
    cpu.cr3 = setup.paging == Paging::Off ? 0 : place::page_directory;
    cpu.cr4 = CR4_OSFXSR | CR4_OSXMMEXCPT | setup.cr4;
    cpu.gdtr = {place::gdt, 0xFF};
    cpu.idtr = {place::idt, vector_count * 8 - 1};
    cpu.update_segments();
    for (unsigned n = 0; n < 6; ++n) load_segment(n, setup);
    cpu.set_segment(seg_TR, {.selector = selector_tss, .attributes = 0x8B, .base = place::tss, .limit = 0x2068});
    cpu.set_cpl(setup.cpl);
    std::copy(std::begin(setup.gpr), std::end(setup.gpr), std::begin(cpu.gpr));
    cpu.gpr[reg_ESP] = place::stack_top - setup.segment[seg_SS].base;
    cpu.set_eflags(setup.eflags, ~u32{0});
    cpu.fpu.fninit();
    cpu.fpu.set_control_word(setup.fpu_control);
    cpu.sse.mxcsr = setup.mxcsr;
    cpu.eip = image.first_eip;
    cpu.flush_tlb();
    cpu.update_view();
    cpu.update_attention();
}

} // namespace truering::random_test
