#include "tools/truering/demos.hpp"

#include "tools/truering/account_text.hpp"
#include "tools/truering/audit_table.hpp"
#include "tools/truering/bundled.hpp"
#include "tools/truering/nearest.hpp"
#include "tools/truering/options.hpp"
#include "tools/truering/scratch_folder.hpp"
#include "tools/truering/session.hpp"
#include "tools/truering/standard_streams.hpp"
#include "tools/truering/values.hpp"

#include <fmt/format.h>

#include <iterator>

namespace truering {

namespace {

using Words = std::vector<std::string>;

constexpr std::uintmax_t disk_size = 4 * 16 * 63 * 512; // four cylinders
constexpr std::string_view markers =
    "Lines that begin with [vmm] are Ringmaster's, from outside the guest; all others are the guest's own.\n\n";

// The same time in every run, and COM1 on this terminal.
Words in_terminal(const Words& more) {
    Words words{"--display", "none", "--clock", "icount", "--serial", "stdio", "--limit-time", "900s"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
}

std::string drive(const std::string& file) { return "--drive=file=" + file + ",format=raw,mode=snapshot"; }

// Runs a guest under Ringmaster and explains its account.
int show(const Words& words) {
    Session session(parse_options(in_terminal(words)));
    const int status = session.run();
    const std::string account = explain_account(session.vmm_lines());
    if (!account.empty())
        print("\nWhat the guest did that left V32 mode, and why the VMM has to see it:\n" + account +
              "Everything else ran without the VMM, at the privilege level that the guest intends.\n");
    return status;
}

int demo_guest() {
    print("A small kernel, from its boot sector to power-off, under Ringmaster. (Without: truering demo bare)\n");
    print(markers);
    const ScratchFolder scratch;
    return show(
        {"--vmm", "--vmm-append=live=60", drive(scratch.put_disk("demo.img", bundled::demo_guest(), disk_size))});
}

int demo_bare() {
    const ScratchFolder scratch;
    Session session(
        parse_options(in_terminal({drive(scratch.put_disk("demo.img", bundled::demo_guest(), disk_size))})));
    return session.run();
}

int demo_hostile() {
    print(
        "A guest that asks for all that is not its own: memory that the VMM hides, V32 mode itself, its registers, "
        "resets\n"
        "of every kind, a triple fault. PASS: it got what a bare machine without the mode would give, and no more.\n");
    print(markers);
    const ScratchFolder scratch;
    return show(
        {"--vmm", "--vmm-append=live=2000", drive(scratch.put_disk("probe.img", bundled::probe_guest(), disk_size))});
}

int demo_nested() {
    print("Two VMMs, one in the other: the lower one gives its guest V32 mode, and the guest, a VMM too, proves on its "
          "own "
          "guest\nthat it has it: the claims of the mode's patent, one by one, two levels up.\n\n");
    const ScratchFolder scratch;
    return Session(parse_options(in_terminal({"--cpu=pentium4", "--debug-exit=0xf4,success=0",
                                              "--kernel=" + scratch.put("nested.elf", bundled::nested_vmms())})))
        .run();
}

int demo_audit() {
    print("A kernel executes the 17 sensitive instructions of IA-32 that do not trap by themselves (VERR and VERW are "
          "one),\n"
          "and looks whether each shows what a kernel expects: in ring 3, where a VMM without the mode has to put it;\n"
          "there on a processor with UMIP; and in ring 0, as it means to, in V32 mode under Ringmaster.\n\n");
    struct Setting {
        const char* heading;
        Words options;
    };
    const Setting settings[] = {
        {"in ring 3", {}}, {"ring 3 + UMIP", {"--cpu=pentium4,umip=on"}}, {"V32, ring 0", {"--vmm", "--vmm-log=null"}}};
    const ScratchFolder scratch;
    const std::string disk = scratch.put_disk("audit.img", bundled::audit_guest(), disk_size);
    std::vector<AuditRun> runs;
    for (const Setting& setting : settings) {
        const std::string serial = scratch.file("serial");
        Words words = in_terminal({"--serial=file:" + serial, drive(disk)});
        words.insert(words.end(), setting.options.begin(), setting.options.end());
        if (const int status = Session(parse_options(words)).run(); status != 0) return status;
        std::ifstream file(serial);
        runs.push_back({setting.heading, {std::istreambuf_iterator<char>(file), {}}});
    }
    print(audit_table(runs));
    print("\nWRONG: no trap, so no VMM could have helped. (exit): the instruction left V32 mode, and the VMM "
          "answered.\n");
    return 0;
}

int demo_linux() {
    const char* cache = std::getenv("TRUERING_CACHE");
    const std::filesystem::path folder = cache != nullptr && *cache != 0 ? cache : TRUERING_SOURCE "/build/images";
    const std::string kernel = folder / "kernel-686", initrd = folder / "initramfs-686";
    for (const std::string& file : {kernel, initrd})
        if (!std::filesystem::exists(file))
            throw KernelError(
                fmt::format("{} is not there; this demonstration needs Debian's kernel and BusyBox, which\n"
                            "    tools/images/make kernel-686 initramfs-686\n"
                            "in the source tree fetches (or name their folder in TRUERING_CACHE)",
                            file));
    print("Debian's Linux kernel and BusyBox, unchanged, under Ringmaster.\n");
    print(markers);
    return show({"--vmm", "--vmm-append=live=50000", "--kernel=" + kernel, "--initrd=" + initrd,
                 "--append=console=ttyS0,115200 truering.test=md5,fork"});
}

struct Demo {
    std::string_view name;
    std::string_view description;
    int (*run)();
};

constexpr Demo demos[] = {
    {"guest", "a small kernel from boot sector to power-off under Ringmaster, with its account (the default)",
     demo_guest},
    {"bare", "the same kernel without a VMM", demo_bare},
    {"audit", "17 instructions that show a kernel in ring 3 something wrong, and what V32 mode makes of them",
     demo_audit},
    {"hostile", "a guest that tries to get at its VMM", demo_hostile},
    {"nested", "a VMM under a VMM: V32 mode two levels deep", demo_nested},
    {"linux", "Debian's Linux under Ringmaster (needs: tools/images/make kernel-686 initramfs-686)", demo_linux},
};

} // namespace

std::vector<std::string> demo_names() {
    std::vector<std::string> names;
    for (const Demo& demo : demos) names.emplace_back(demo.name);
    return names;
}

std::string demo_list() {
    std::string text;
    for (const Demo& demo : demos) text += fmt::format("{:8}  {}\n", demo.name, demo.description);
    return text;
}

int run_demo(const std::string& name) {
    for (const Demo& demo : demos)
        if (demo.name == name) return demo.run();
    throw UsageError(
        fmt::format("demo: '{}' is not known{}; truering demo --list", name, suggestion(name, demo_names())));
}

} // namespace truering
