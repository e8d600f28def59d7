#include "machine/pc.hpp"

namespace truering {

namespace {

std::unique_ptr<VirtualTime> make_time(const PcConfig& config) {
    if (config.time == TimeMode::Host) return std::make_unique<HostTime>();
    return std::make_unique<InstructionTime>(config.mips);
}

CpuModel model_of(const PcConfig& config) {
    CpuModel model = config.cpu;
    if (!config.apic) model.features.remove(Feature::APIC);
    return model;
}

// A debug console without a destination still answers, so that guests find it.
class Nowhere final : public SerialSink {
  public:
    void transmit(u8) override {}
};
Nowhere nowhere;

std::unique_ptr<DebugConsole> make_console(SerialSink* sink) {
    return std::make_unique<DebugConsole>(sink == nullptr ? nowhere : *sink);
}

} // namespace

Pc::Pc(const PcConfig& config, const Firmware& firmware, const PcPlugs& plugs, Kernels kernels,
       const MessageSink& messages)
    : time(make_time(config)), clock(*time), memory(config.memory), cpu(model_of(config), memory, ports, clock),
      pci(ports, memory), host_bridge(memory, firmware.system.bytes, firmware.video.bytes), isa_bridge(ports),
      power(clock, ports, BoardPorts{}),
      local_apic(cpu.has(Feature::APIC) ? std::make_unique<LocalApic>(clock, pics) : nullptr),
      io_apic(local_apic ? std::make_unique<IoApic>(*local_apic) : nullptr), irqs(pics, io_apic.get()), pit(clock),
      system_control(clock, pit), rtc(clock, config.rtc_start), dma(memory), keyboard(clock), mouse(clock),
      keyboard_controller(clock, &keyboard, &mouse), com1(clock, plugs.serial[0]), com2(clock, plugs.serial[1]),
      lpt1(plugs.parallel), debug_console(make_console(plugs.debug_console)),
      vmm_console(make_console(plugs.vmm_console == nullptr ? plugs.debug_console : plugs.vmm_console)), fw_cfg(memory),
      vga(clock, ports, memory, firmware.video.bytes),
      ide(PiixModel::Piix3, ports, memory, ide_primary_channel, ide_secondary_channel) {
    if (config.engine == Engine::Translator) translator = make_translator(cpu);
    time->follow(cpu);
    cpu.tsc_hertz = u64{config.tsc_mhz} * 1'000'000;
    if (config.debug_exit_port)
        debug_exit = std::make_unique<DebugExit>([this](u32 value) {
            requests.debug_exit = value;
            cpu.shorten_run(0);
        });
    if (!kernels.empty())
        kernels_ = std::make_unique<KernelStarter>(std::move(kernels), [this] {
            requests.load_kernel = true;
            cpu.shorten_run(0);
        });
    open_drives(config, messages);
    map_ports();
    if (debug_exit) debug_exit->map(ports, *config.debug_exit_port);
    connect();
    fill_cmos(config);
    fill_fw_cfg(config, plugs);
    clock.on_earlier = [this] { cpu.shorten_run(time->instructions_until(clock.next())); };
    reset();
}

Pc::~Pc() { clock.on_earlier = nullptr; }

void Pc::reset() {
    pci.reset();
    pics.reset();
    if (local_apic) local_apic->reset();
    if (io_apic) io_apic->reset();
    pit.reset();
    system_control.reset();
    rtc.reset();
    dma.reset();
    coprocessor_error.reset();
    keyboard.reset();
    mouse.reset();
    keyboard_controller.reset();
    com1.reset();
    com2.reset();
    lpt1.reset();
    fw_cfg.reset();
    fdc->reset();
    if (kernels_) kernels_->reset();
    cpu.reset();
}

bool Pc::resumes_after_reset() {
    constexpr unsigned shutdown_byte = 0x0F;
    const u8 code = rtc.cmos(shutdown_byte);
    return code == 0x05 || code == 0x09 || code == 0x0A;
}

// The lines are the processor's INIT#; but what expects the 286's reset gets a reset of the machine, as firmware would
// make it. In V32 mode INIT is an exit (docs/v32.md 6), and what follows is the VMM's affair.
void Pc::pulse_processor_reset() {
    if (cpu.in_v32()) return cpu.init_signal();
    request_reset(resumes_after_reset() ? &PcRequests::processor_reset : &PcRequests::reset);
}

void Pc::request_reset(bool PcRequests::*which) {
    requests.*which = true;
    cpu.shorten_run(0);
}

void Pc::flush_media() {
    for (Drive& drive : drives_) static_cast<void>(drive.opened.medium->flush());
}

} // namespace truering
