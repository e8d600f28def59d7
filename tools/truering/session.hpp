// One run of a machine: everything that the options ask for around it, from opening files to the exit status.
#pragma once

#include "machine/lockstep.hpp"
#include "machine/run_loop.hpp"
#include "machine/text_watch.hpp"
#include "machine/typist.hpp"
#include "tools/truering/channel.hpp"
#include "tools/truering/display.hpp"
#include "tools/truering/screenshots.hpp"
#include "tools/truering/settings.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace truering {

class Session final : public Frontend {
  public:
    // Opens everything. Throws FirmwareError, KernelError, MediaError, ChannelError, UsageError.
    explicit Session(Settings settings);
    ~Session() override;

    // Runs the machine to its end and reports; returns the exit status. Throws KernelError, PngError.
    int run();

    // What a VMM has said on port E9H, its last lines.
    [[nodiscard]] std::vector<std::string> vmm_lines() const;

    void attend() override;
    void sleep(std::chrono::nanoseconds at_most) override;
    [[nodiscard]] bool expects_input() const override;
    void paused(const End& why) override;

  private:
    // A port with the host's end of it.
    struct Port {
        std::unique_ptr<Channel> channel;
        std::unique_ptr<WatchedSink> sink;
        std::vector<u8> waiting; // for the guest
    };
    enum PortNumber : unsigned { com1, com2, debug_console, parallel, vmm_console, port_count };

    void choose_defaults();
    void open_ports();
    void open_display();
    void build_machine();
    void build_shadow(const Firmware& firmware);
    void need_translator() const;
    [[nodiscard]] Kernels open_kernels() const;
    void expect_texts();
    void plan_typing();
    [[nodiscard]] Policy policy() const;

    void pump(unsigned port);
    void take_terminal_input();
    void terminal_command(u8 letter);
    void update_status();
    void say(int verbosity, const std::string& line) const;
    void settle(End& end);
    void report(const End& end, int status);
    void write_coverage() const;

    Settings settings_;
    std::unique_ptr<Display> display_;
    std::vector<Port> ports_;
    std::unique_ptr<Pc> pc_;
    std::unique_ptr<TextWatch> watch_;
    std::unique_ptr<Typist> typist_;
    std::unique_ptr<Screenshots> screenshots_;
    std::unique_ptr<MachineLoop> loop_;
    SilentSink silence_;
    std::unique_ptr<Lockstep> lockstep_; // with --engine check
    bool terminal_used_ = false;         // standard input belongs to the guest
    bool terminal_open_ = false;         // and has not ended
    bool escape_ = false;                // Ctrl-A came
    std::string status_line_;
    std::chrono::steady_clock::time_point status_time_;
    u64 status_instructions_ = 0;
};

} // namespace truering
