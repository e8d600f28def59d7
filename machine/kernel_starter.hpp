// The port of the boot ROM (boot_rom.hpp): it places the kernels in memory, one each time it is asked, and tells the
// ROM how to enter them.
//
// There may be several: the first is started on the bare machine; if it is a VMM that hands the machine back to the
// firmware, the second is started in its guest, and so on. A reset of the machine begins with the first again. When the
// firmware begins anew without one, a VMM has reset its guest: then the second is due again.
//
// A kernel that comes again goes where it was before: the map of memory that counts is the one from its first time,
// when the firmware has just made it. A guest that forges another cannot have the machine write to memory that is not
// its own.
#pragma once

#include "machine/boot_rom.hpp"
#include "machine/kernel_image.hpp"
#include "memory/port_bus.hpp"

#include <array>
#include <functional>
#include <vector>

namespace truering {

class KernelStarter final : public PortDevice {
  public:
    // `asked` is called within the guest's OUT; it must arrange that load() is called when the instruction is over.
    KernelStarter(Kernels images, std::function<void()> asked) : images_(std::move(images)), asked_(std::move(asked)) {}

    [[nodiscard]] size_t count() const { return images_.size(); }
    void map(PortBus& bus);
    void reset(); // the firmware comes again, and so do the kernels

    // Places the next kernel. Throws KernelError.
    void load(PhysicalMemory& memory);

    u32 read_port(u16 port, unsigned size) override;
    void write_port(u16 port, u32 value, unsigned size) override;

  private:
    using MemoryMap = std::vector<MemoryRange>;
    [[nodiscard]] MemoryMap read_map(const PhysicalMemory& memory) const;

    Kernels images_;
    std::vector<MemoryMap> maps_; // of the kernels that have been started
    std::function<void()> asked_;
    size_t started_ = 0;
    u32 map_bytes_ = 0;
    std::array<u32, boot_rom::entry_words> entry_{};
    unsigned unread_ = 0; // of entry_, at its end
};

} // namespace truering
