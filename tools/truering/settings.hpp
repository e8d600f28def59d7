// What the command line and the configuration file say, in the machine's terms.
#pragma once

#include "machine/lockstep.hpp"
#include "machine/pc_config.hpp"
#include "machine/run_loop.hpp"
#include "machine/when.hpp"

#include <optional>
#include <string>
#include <vector>

namespace truering {

enum class DisplayKind : u8 { Automatic, Sdl, Terminal, None };
enum class TimeChoice : u8 { Automatic, Instructions, Host };

// Text for the guest, and when it is typed.
struct TypeRequest {
    enum class Where : u8 { Keyboard, Serial };
    std::string text;
    When when;
    Where where = Where::Keyboard;
};

struct ScreenshotRequest {
    std::string file;
    When when;
};

// What the user asked for; Check is the two in lock-step (machine/lockstep.hpp).
enum class EngineChoice : u8 { Automatic, Interpreter, Translator, Check };

struct Settings {
    PcConfig pc;
    EngineChoice engine = EngineChoice::Automatic;
    u64 check_slice = Lockstep::default_slice;
    TimeChoice time = TimeChoice::Automatic;
    bool rtc_now = false; // the host's time, in UTC
    bool rtc_given = false;
    bool snapshot = false; // for all drives
    std::string overlay;   // for the first hard disk

    std::string kernel;
    std::vector<std::string> modules; // --initrd and --module, each "FILE [ARGUMENTS]"
    std::string append;

    std::string vmm; // empty: none; bundled_vmm; or a file
    std::string vmm_append;
    std::string vmm_log;        // destination
    bool vmm_log_given = false; // otherwise: lines on standard error
    static constexpr const char* bundled_vmm = "bundled";

    DisplayKind display = DisplayKind::Automatic;
    bool serial_console = false; // the firmware on COM1, too
    bool full_screen = false;
    std::string title;
    // Destinations of the ports; empty: nowhere.
    std::string serial[2];
    std::string parallel;
    std::string debugcon;

    std::optional<double> limit_seconds;
    std::optional<u64> limit_instructions;
    std::vector<std::string> until;
    std::vector<std::string> fail_on;
    std::vector<ScreenshotRequest> screenshots;
    std::vector<TypeRequest> types;
    std::optional<u32> debug_exit_success;
    std::optional<Action> on[guest_event_count];
    std::string coverage;

    int verbosity = 0; // -1: errors only
    bool help = false;
    std::string help_topic;
    bool dump_config = false;
    std::string command;            // as the shell would take it, for the report
    std::vector<std::string> notes; // about words that were accepted and do nothing
};

} // namespace truering
