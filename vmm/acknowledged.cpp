#include "vmm/acknowledged.hpp"

#include "vmm/interrupts.hpp"
#include "vmm/io.hpp"

namespace ringmaster {

namespace {

struct Controller {
    u16 command_port;
    u8 first_vector; // as the BIOS has set them
    bool expects_ICW2;

    [[nodiscard]] u16 data_port() const { return static_cast<u16>(command_port + 1); }
};
Controller controllers[] = {{0x20, 0x08, false}, {0xA0, 0x70, false}};
constexpr u32 lines = 8;

} // namespace

void watch_8259s() {
    for (const Controller& controller : controllers) watch_port(controller.command_port);
}

void byte_to_8259(u16 port, u8 value) {
    constexpr u8 ICW1 = 0x10;
    for (Controller& controller : controllers) {
        if (port == controller.command_port && (value & ICW1) != 0) {
            forget_vectors(controller.first_vector, lines);
            controller.expects_ICW2 = true;
            watch_port(controller.data_port());
        } else if (port == controller.data_port() && controller.expects_ICW2) {
            controller.first_vector = static_cast<u8>(value & ~(lines - 1));
            controller.expects_ICW2 = false;
            leave_port(controller.data_port());
        }
    }
}

} // namespace ringmaster
