// The port to which the boot ROM writes when a kernel is to be started, and the start itself: memory and processor are
// set as a boot loader would leave them.
#pragma once

#include "machine/kernel_image.hpp"
#include "memory/port_bus.hpp"

#include <functional>

namespace truering {

class Cpu;

class KernelStarter final : public PortDevice {
  public:
    // `asked` is called within the guest's OUT; it must arrange that start() is called when the instruction is over.
    KernelStarter(std::unique_ptr<KernelImage> image, std::function<void()> asked)
        : image_(std::move(image)), asked_(std::move(asked)) {}

    void map(PortBus& bus);
    void reset() { started_ = false; } // the firmware comes again, and so does the kernel

    // Throws KernelError.
    void start(Cpu& cpu, PhysicalMemory& memory);
    [[nodiscard]] const KernelImage& image() const { return *image_; }

    u32 read_port(u16, unsigned) override { return 0xFFFF; }
    void write_port(u16 port, u32 value, unsigned size) override;

  private:
    [[nodiscard]] std::vector<MemoryRange> read_map(const PhysicalMemory& memory) const;

    std::unique_ptr<KernelImage> image_;
    std::function<void()> asked_;
    u32 map_bytes_ = 0;
    bool started_ = false;
};

} // namespace truering
