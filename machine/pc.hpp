// A PC with Intel's 440FX chipset (i440FX host bridge, PIIX3 ISA bridge and IDE, PIIX4 power management), wired.
//
// The chips are public: the monitor, the display and the tests look at them. What is wired to what stands in
// pc_wiring.cpp, what is in the drives in pc_media.cpp, what the firmware is told in pc_firmware_data.cpp.
//
// Things that must not happen in the middle of a guest's instruction (resets, power-off, the loading of a kernel) are
// noted in `requests` and end the processor's run; the run loop (run_loop.hpp) then does them.
//
// All resets go through reset(). A pulse on the processor's own reset pin (keyboard controller, port 92H, soft reset at
// CF9H, triple fault) becomes a reset of the whole machine, as the 440FX boards did it, unless the shutdown byte in
// CMOS (0FH) says that the program only wants to leave protected mode in the way of the 286: 5, 9 and 0AH.
#pragma once

#include "cpu/cpu.hpp"
#include "devices/bus_master_ide.hpp"
#include "devices/debug_console.hpp"
#include "devices/debug_exit.hpp"
#include "devices/dma_controller.hpp"
#include "devices/fdc_82078.hpp"
#include "devices/fw_cfg.hpp"
#include "devices/i440fx.hpp"
#include "devices/i8042.hpp"
#include "devices/ide_channel.hpp"
#include "devices/io_apic.hpp"
#include "devices/local_apic.hpp"
#include "devices/parallel.hpp"
#include "devices/pci.hpp"
#include "devices/pic_pair.hpp"
#include "devices/piix3_isa.hpp"
#include "devices/piix4_pm.hpp"
#include "devices/piix_ide.hpp"
#include "devices/pit_ports.hpp"
#include "devices/ps2_keyboard.hpp"
#include "devices/ps2_mouse.hpp"
#include "devices/rtc_mc146818.hpp"
#include "devices/system_control.hpp"
#include "devices/uart_16550.hpp"
#include "devices/vga_card.hpp"
#include "jit/translation.hpp"
#include "machine/coprocessor_error.hpp"
#include "machine/event_queue.hpp"
#include "machine/firmware.hpp"
#include "machine/irq_wires.hpp"
#include "machine/kernel_starter.hpp"
#include "machine/pc_config.hpp"
#include "machine/pc_input.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace truering {

// Where the bytes of its ports go; null: nowhere.
struct PcPlugs {
    SerialSink* serial[2] = {nullptr, nullptr};
    SerialSink* parallel = nullptr;
    SerialSink* debug_console = nullptr; // ports 402H, where firmware writes its log, and E9H
    SerialSink* vmm_console = nullptr;   // port E9H alone, where a VMM gives its account
    bool serial_console = false;         // the firmware shows its text on COM1 as well
};

// What the guest asked for while it ran; the run loop does it.
struct PcRequests {
    bool power_off = false;
    std::optional<u32> debug_exit;
    bool reset = false;           // the whole machine
    bool processor_reset = false; // the processor alone
    bool load_kernel = false;
};

class Pc {
  public:
    // `kernels` are started in this order (kernel_starter.hpp). Throws MediaError for images, std::bad_alloc for
    // memory.
    Pc(const PcConfig& config, const Firmware& firmware, const PcPlugs& plugs, Kernels kernels,
       const MessageSink& messages);
    Pc(const Pc&) = delete;
    Pc& operator=(const Pc&) = delete;
    ~Pc();

    // Power-on state of everything but RAM and the RTC's battery-backed registers.
    void reset();
    // The processor's reset pin was pulsed: by whomever, a triple fault included.
    void pulse_processor_reset();
    // Would that pulse only bring the program back to real mode?
    [[nodiscard]] bool resumes_after_reset();

    // Something reached the machine from outside: the one way in. Between two runs of the processor.
    void take(const PcInput& input);
    std::function<void(const PcInput&)> on_input; // hears of it first

    // --- the board, in the order of its construction ---

    std::unique_ptr<VirtualTime> time;
    EventQueue clock;
    PhysicalMemory memory;
    PortBus ports;
    Cpu cpu;
    std::unique_ptr<BlockRunner> translator; // null: the interpreter runs
    PcRequests requests;

    PciHost pci;
    I440fx host_bridge;
    Piix3Isa isa_bridge;
    Piix4Pm power;
    PicPair pics;
    std::unique_ptr<LocalApic> local_apic; // null with apic=off
    std::unique_ptr<IoApic> io_apic;
    IrqWires irqs;
    Pit8254 pit;
    PitPorts pit_ports{pit};
    SystemControl system_control;
    RtcMc146818 rtc;
    DmaController dma;
    CoprocessorError coprocessor_error;
    Ps2Keyboard keyboard;
    Ps2Mouse mouse;
    I8042 keyboard_controller;
    Uart16550 com1;
    Uart16550 com2;
    ParallelPort lpt1;
    std::unique_ptr<DebugConsole> debug_console; // at 402H
    std::unique_ptr<DebugConsole> vmm_console;   // at E9H
    std::unique_ptr<DebugExit> debug_exit;
    FwCfg fw_cfg;
    VgaCard vga;
    IdeChannel ide_primary_channel{ide_primary};
    IdeChannel ide_secondary_channel{ide_secondary};
    PiixIde ide;
    std::unique_ptr<Fdc82078> fdc;

    // --- what is in the drives ---

    struct Drive {
        std::string file;
        OpenedMedium opened;
        unsigned index = 0; // of floppy drives, or of IDE drives
    };
    [[nodiscard]] const std::vector<Drive>& drives() const { return drives_; }
    [[nodiscard]] KernelStarter* kernels() { return kernels_.get(); }

    // Everything that the guest wrote is given to the host.
    void flush_media();

  private:
    void connect();
    void connect_interrupts();
    void map_ports();
    void request_reset(bool PcRequests::*which);

    // Lines with more than one source.
    void hear_a20(unsigned source, bool level);
    void hear_nmi(unsigned source, bool level);
    void hear_processor_reset(unsigned, bool level);
    void hear_hard_reset(unsigned, bool level);
    void hear_power_off(unsigned, bool level);
    void hear_apic_base(unsigned, bool level);

    void open_drives(const PcConfig& config, const MessageSink& messages);
    void place(Drive& drive, const DriveRequest& request);
    void plug_ide(Drive& drive);
    [[nodiscard]] FloppyDriveType floppy_type(unsigned number) const;

    void fill_cmos(const PcConfig& config);
    void fill_disk_types();
    void fill_fw_cfg(const PcConfig& config, const PcPlugs& plugs);
    [[nodiscard]] std::vector<BootDevice> boot_order(const PcConfig& config) const;

    bool a20_sources_[2] = {true, false}; // keyboard controller, port 92H
    bool nmi_asserted_ = false;
    std::vector<Drive> drives_;
    std::vector<std::unique_ptr<IdeDrive>> ide_drives_;
    std::unique_ptr<KernelStarter> kernels_;
};

} // namespace truering
