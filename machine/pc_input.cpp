#include "machine/pc_input.hpp"

#include "machine/pc.hpp"

namespace truering {

namespace {

struct Give {
    Pc& pc;

    Uart16550& uart(unsigned port) const { return port == 0 ? pc.com1 : pc.com2; }

    void operator()(const KeyInput& input) const { pc.keyboard.key(input.key, input.pressed); }
    void operator()(const AllKeysReleased&) const { pc.keyboard.release_all(); }
    void operator()(const MouseInput& input) const { pc.mouse.move(input.dx, input.dy, input.dz, input.buttons); }
    void operator()(const SerialInput& input) const { uart(input.port).receive(input.byte); }
    void operator()(const SerialBreak& input) const { uart(input.port).receive_break(); }
    void operator()(const PowerButton&) const { pc.power.press_power_button(); }
    void operator()(const ResetButton&) const {
        pc.requests.reset = true;
        pc.cpu.shorten_run(0);
    }
};

} // namespace

void Pc::take(const PcInput& input) {
    if (on_input) on_input(input);
    std::visit(Give{*this}, input);
}

} // namespace truering
