// What is connected to what.
#include "machine/pc.hpp"

namespace truering {

namespace {

enum A20Source : unsigned { a20_keyboard_controller, a20_port_92 };
enum NmiSource : unsigned { nmi_system_control, nmi_mask };

// Slots of the PCI bus, as 440FX boards and their emulators have them.
constexpr unsigned slot_host_bridge = 0;
constexpr unsigned slot_piix = 1;
constexpr unsigned slot_vga = 2;

} // namespace

void Pc::map_ports() {
    pci.attach(host_bridge, slot_host_bridge, 0);
    pci.attach(isa_bridge, slot_piix, 0);
    pci.attach(ide, slot_piix, 1);
    pci.attach(power, slot_piix, 3);
    pci.attach(vga, slot_vga, 0);

    pics.map(ports);
    pit_ports.map(ports);
    system_control.map(ports);
    rtc.map(ports);
    dma.map(ports);
    coprocessor_error.map(ports);
    keyboard_controller.map(ports);
    com1.map(ports, Uart16550::com1);
    com2.map(ports, Uart16550::com2);
    lpt1.map(ports, ParallelPort::lpt1);
    fdc->map(ports);
    fw_cfg.map(ports);
    vmm_console->map(ports, DebugConsole::bochs_port);
    debug_console->map(ports, DebugConsole::qemu_port);
    if (kernels_) kernels_->map(ports);
    if (io_apic) memory.map_device(Physical{IoApic::default_base}, IoApic::page_bytes, *io_apic);
}

void Pc::connect() {
    connect_interrupts();
    fdc->connect_dma(dma.channel(2));
    host_bridge.smram_open.connect_to<&VgaCard::hear_smram_open>(vga);

    keyboard_controller.a20.connect_to<&Pc::hear_a20>(*this, a20_keyboard_controller);
    system_control.a20.connect_to<&Pc::hear_a20>(*this, a20_port_92);
    keyboard_controller.reset_pulse.connect_to<&Pc::hear_processor_reset>(*this);
    system_control.reset_pulse.connect_to<&Pc::hear_processor_reset>(*this);
    isa_bridge.processor_init.connect_to<&Pc::hear_processor_reset>(*this);
    isa_bridge.hard_reset.connect_to<&Pc::hear_hard_reset>(*this);
    power.power_off.connect_to<&Pc::hear_power_off>(*this);
}

void Pc::connect_interrupts() {
    using Source = IrqWires::Source;
    const auto wire = [this](Line& line, unsigned irq, Source source = Source::Isa) {
        line.connect_to<&IrqWires::drive>(irqs, IrqWires::input(irq, source));
    };
    wire(pit.watch(0), 0);
    wire(keyboard_controller.irq1, 1);
    wire(com2.irq, 3);
    wire(com1.irq, 4);
    wire(fdc->irq, 6);
    wire(lpt1.irq, 7);
    wire(power.sci, 9, Source::Sci);
    wire(keyboard_controller.irq12, 12);
    wire(coprocessor_error.irq, 13);
    wire(ide.bus_master().irq[0], 14);
    wire(ide.bus_master().irq[1], 15);
    for (unsigned n = 0; n < pci.pirq.size(); ++n) pci.pirq[n].connect_to<&Piix3Isa::hear_pirq>(isa_bridge, n);
    for (unsigned n = 0; n < isa_bridge.irq.size(); ++n) wire(isa_bridge.irq[n], n, Source::Pci);
    rtc.irq.connect(
        [](void* self, unsigned, bool level) {
            Pc& pc = *static_cast<Pc*>(self);
            pc.irqs.drive(IrqWires::input(8), level);
            pc.power.hear_rtc(0, level);
        },
        this);

    system_control.nmi.connect_to<&Pc::hear_nmi>(*this, nmi_system_control);
    rtc.nmi_mask.connect_to<&Pc::hear_nmi>(*this, nmi_mask);
    cpu.ferr.connect_to<&CoprocessorError::hear_ferr>(coprocessor_error);
    coprocessor_error.ignne.connect_to<&Cpu::set_ignne_line>(cpu);

    if (local_apic) {
        pics.intr().connect_to<&LocalApic::hear_lint0>(*local_apic);
        local_apic->interrupt.connect_to<&Cpu::set_interrupt_line>(cpu);
        local_apic->nmi.connect_to<&Cpu::set_nmi_line>(cpu);
        cpu.connect_interrupts(*local_apic);
        cpu.apic_base_changed.connect_to<&Pc::hear_apic_base>(*this);
    } else {
        pics.intr().connect_to<&Cpu::set_interrupt_line>(cpu);
        cpu.connect_interrupts(pics);
    }
}

void Pc::hear_a20(unsigned source, bool level) {
    a20_sources_[source] = level;
    cpu.set_a20_line(0, a20_sources_[0] || a20_sources_[1]);
}

void Pc::hear_nmi(unsigned, bool) {
    const bool level = system_control.nmi.level() && !rtc.nmi_masked();
    if (local_apic)
        local_apic->hear_lint1(0, level);
    else
        cpu.set_nmi_line(0, level);
}

void Pc::hear_processor_reset(unsigned, bool level) {
    if (level) pulse_processor_reset();
}

void Pc::hear_hard_reset(unsigned, bool level) {
    if (level) request_reset(&PcRequests::reset);
}

void Pc::hear_power_off(unsigned, bool level) {
    if (level) request_reset(&PcRequests::power_off);
}

// The local APIC's page is where the processor says; moving it is for whoever never goes to 4 GiB less 18 MiB
// otherwise.
void Pc::hear_apic_base(unsigned, bool enabled) {
    local_apic->set_globally_enabled(enabled);
    if (enabled)
        memory.map_device(Physical{LocalApic::default_base}, LocalApic::page_bytes, *local_apic);
    else
        memory.unmap(Physical{LocalApic::default_base}, LocalApic::page_bytes);
}

} // namespace truering
