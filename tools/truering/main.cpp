// truering: the subcommand, and the exit status of everything that can go wrong before and around a run.
#include "tools/truering/commands.hpp"
#include "tools/truering/demos.hpp"
#include "tools/truering/nearest.hpp"
#include "tools/truering/options.hpp"
#include "tools/truering/png.hpp"
#include "tools/truering/scratch_folder.hpp"
#include "tools/truering/session.hpp"
#include "tools/truering/standard_streams.hpp"
#include "tools/truering/status.hpp"
#include "tools/truering/terminal.hpp"

#include <fmt/format.h>

#include <csignal>
#include <filesystem>
#include <new>

namespace {

using namespace truering;

int run(const std::vector<std::string>& words) {
    Settings settings = parse_options(words);
    if (settings.help) {
        print(help_text());
        return exit_code(Status::Success);
    }
    if (settings.dump_config) {
        print(dump_config(words));
        return exit_code(Status::Success);
    }
    if (settings.pc.drives.empty() && settings.kernel.empty())
        throw UsageError("no image and no --kernel: nothing to start; see truering --help");
    return Session(std::move(settings)).run();
}

int dispatch(std::vector<std::string> words) {
    const std::string first = words.empty() ? "" : words[0];
    const auto rest = [&] { return std::vector<std::string>(words.begin() + 1, words.end()); };
    if (first == "list") {
        if (words.size() != 2) throw UsageError("list what? cpus, keys, firmware, devices, encodings");
        print(list_text(words[1]));
    } else if (first == "completions") {
        if (words.size() != 2) throw UsageError("completions for which shell? bash");
        print(completions_text(words[1]));
    } else if (first == "doctor") {
        const Diagnosis diagnosis = diagnose();
        print(diagnosis.text);
        return exit_code(diagnosis.complete ? Status::Success : Status::FileProblem);
    } else if (first == "version" || first == "--version" || first == "-version") {
        print(version_text());
    } else if (first == "help") {
        print(help_text());
    } else if (first == "demo") {
        if (words.size() > 2) throw UsageError("demo: one name at most; see truering demo --list");
        const std::string name = words.size() == 2 ? words[1] : demo_names().front();
        if (name != "--list") return run_demo(name);
        print(demo_list());
    } else if (first == "run") {
        return run(rest());
    } else {
        // A word that is no file but almost a subcommand was meant as one.
        if (!first.empty() && first[0] != '-' && !std::filesystem::exists(first)) {
            const std::string hint = suggestion(first, {"demo", "list", "doctor", "version", "help", "completions"});
            if (!hint.empty()) throw UsageError(fmt::format("'{}' is no image file{}", first, hint));
        }
        return run(words);
    }
    return exit_code(Status::Success);
}

int fail(Status status, const char* message) {
    Terminal::restore();
    tell(fmt::format("truering: {}\n", message));
    return exit_code(status);
}

} // namespace

int main(int argc, char** argv) {
    prepare_standard_streams();
    try {
        return dispatch({argv + 1, argv + argc});
    } catch (const UsageError& error) {
        return fail(Status::Usage, error.what());
    } catch (const MediaError& error) {
        return fail(Status::FileProblem, error.what());
    } catch (const KernelError& error) {
        return fail(Status::FileProblem, error.what());
    } catch (const FirmwareError& error) {
        return fail(Status::FileProblem, error.what());
    } catch (const ChannelError& error) {
        return fail(Status::FileProblem, error.what());
    } catch (const DisplayError& error) {
        return fail(Status::FileProblem, error.what());
    } catch (const ScratchError& error) {
        return fail(Status::FileProblem, error.what());
    } catch (const OutputError& error) {
        // Whoever reads the beginning of a list and leaves wants no message.
        return error.reader_has_gone() ? signal_status(SIGPIPE) : fail(Status::FileProblem, error.what());
    } catch (const PngError& error) {
        return fail(Status::FileProblem, error.what());
    } catch (const std::bad_alloc&) {
        return fail(Status::FileProblem, "the host has not enough memory for this machine");
    } catch (const std::exception& error) {
        return fail(Status::EmulatorBug,
                    (std::string("internal error: ") + error.what() + "; please report it, with the command").c_str());
    }
}
