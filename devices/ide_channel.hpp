// One IDE channel: the cable with two drives, and the ports by which the host reaches them.
//
// Idea: the host's writes reach both drives, its reads the selected one; the interrupt and DMA request of the selected
// drive are those of the channel. A drive that is not there answers 00H, as a pulled-down cable with drive 0 standing
// in for drive 1 does; so firmware and drivers find neither a signature nor their test pattern there.
//
// Invariants: `intrq` is high exactly when the selected drive's INTRQ is high and nIEN is 0; `dmarq` follows the
// selected drive's. Selection is DEV in the device register, the channel's own copy of it.
//
// Source: ATA/ATAPI-4 (T13/1153D) chapters 7 (registers) and 9.16 (single device configurations).
#pragma once

#include "devices/ide_drive.hpp"
#include "memory/port_bus.hpp"

#include <array>

namespace truering {

struct IdePorts {
    u16 command_block; // eight ports
    u16 control_block; // one port: alternate status and device control
};

inline constexpr IdePorts ide_primary{0x1F0, 0x3F6};
inline constexpr IdePorts ide_secondary{0x170, 0x376};

class IdeChannel final : public PortDevice {
  public:
    explicit IdeChannel(IdePorts ports) : ports_(ports) {}
    IdeChannel(const IdeChannel&) = delete;
    IdeChannel& operator=(const IdeChannel&) = delete;

    // Plugs a drive in as number 0 or 1; null takes it out. The drive must outlive the channel or be taken out.
    void attach(unsigned number, IdeDrive* drive);
    [[nodiscard]] IdeDrive* drive(unsigned number) const { return drives_[number & 1]; }

    void map(PortBus& bus);
    void unmap(PortBus& bus);

    // Power-on, drives included.
    void reset();

    // IRQ 14 or 15.
    Line intrq;

    // To the bus master: the selected drive wants a DMA block moved; moves as much of it as fits.
    Line dmarq;
    [[nodiscard]] bool wants_to_send() const;
    size_t dma_read(std::span<u8> to);
    size_t dma_write(std::span<const u8> from);

    u32 read_port(u16 port, unsigned size) override;
    void write_port(u16 port, u32 value, unsigned size) override;

  private:
    [[nodiscard]] IdeDrive* selected() const { return drives_[test_bit(device_, 4) ? 1 : 0]; }
    [[nodiscard]] u8 read_register(AtaReg reg);
    void write_register(AtaReg reg, u8 value);
    void write_command(u8 command);
    void write_device_control(u8 value);
    u32 read_data(unsigned size);
    void write_data(u32 value, unsigned size);
    void drive_pin_changed(unsigned number, bool level);
    void follow_pins();

    IdePorts ports_;
    std::array<IdeDrive*, 2> drives_{};
    u8 device_ = ata_device::obsolete_ones;
    u8 control_ = 0;
};

} // namespace truering
