#include "vmm/firmware_dma.hpp"

#include "vmm/hidden_range.hpp"
#include "vmm/io.hpp"
#include "vmm/low_memory.hpp"
#include "vmm/memory_map.hpp"

namespace ringmaster {

namespace {

constexpr u16 first_port = 0x514;
constexpr u32 ports = 8;

u64 address = 0; // as the device has it: it begins anew with 0 behind each start

struct Descriptor { // big-endian
    u32 control, length;
    u32 address_high, address_low;
};
enum Control : u32 { ctl_error = 1, ctl_read = 2, ctl_write = 16 };

u32 swapped(u32 value) { return __builtin_bswap32(value); }

bool meets_hidden(u64 first, u64 count) {
    constexpr u64 address_end = u64{1} << 52;
    if (first >= address_end) return true; // an address that nobody means
    return first < hidden.end() && hidden.base < first + count;
}

// A descriptor that two readers see alike: what answers at other addresses may change its mind in between.
bool is_in_memory(u64 at) {
    constexpr u64 video = 0xA'0000, firmware = 0xC'0000, end = first_megabyte;
    const u64 behind = at + sizeof(Descriptor);
    if (behind <= video || (at >= firmware && behind <= end)) return true;
    return behind <= linear_base && machine_map.ram_from(at) >= sizeof(Descriptor);
}

bool allow_descriptor(u64 at) {
    if (!is_in_memory(at) || meets_hidden(at, sizeof(Descriptor))) return false;
    auto* const descriptor = low_memory<Descriptor>(static_cast<u32>(at));
    if ((swapped(descriptor->control) & (ctl_read | ctl_write)) == 0) return true;
    const u64 target = u64{swapped(descriptor->address_high)} << 32 | swapped(descriptor->address_low);
    if (!meets_hidden(target, swapped(descriptor->length))) return true;
    descriptor->control = swapped(ctl_error);
    return false;
}

} // namespace

void watch_firmware_dma() {
    for (u32 n = 0; n < ports; ++n) watch_port(static_cast<u16>(first_port + n));
}

bool meets_firmware_dma(u16 port, u32 size) { return port < first_port + ports && first_port < port + size; }

bool allow_firmware_dma(u16 port, u32 size, u32 value) {
    if (port < first_port || port + size > first_port + ports) return false; // halfway: nobody does that
    u64 written = address;
    for (u32 n = 0; n < size; ++n) {
        const u32 shift = 8 * (ports - 1 - (port - first_port + n));
        written = (written & ~(u64{0xFF} << shift)) | u64{value >> (8 * n) & 0xFF} << shift;
    }
    const bool starts = port + size == first_port + ports;
    if (starts && !allow_descriptor(written)) return false;
    address = starts ? 0 : written;
    return true;
}

} // namespace ringmaster
