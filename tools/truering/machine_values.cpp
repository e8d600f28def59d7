// The option values that describe the machine: drives, processor, board, boot order.
#include "tools/truering/nearest.hpp"
#include "tools/truering/values.hpp"

#include <fmt/format.h>

#include <map>

namespace truering {

namespace {

[[noreturn]] void unknown_key(std::string_view what, const std::string& key, const std::vector<std::string>& names) {
    std::string list;
    for (const std::string& name : names) list += (list.empty() ? "" : " ") + name;
    throw UsageError(fmt::format("{}: '{}' is not known{} (known: {})", what, key, suggestion(key, names), list));
}

// fd0 fd1, hd0 to hd3, cd0 to cd3: kind and place. CD-ROM drives start at the secondary channel.
bool place(const std::string& word, DriveRequest& drive) {
    if (word.size() != 3 || word[1] != 'd' || word[2] < '0' || word[2] > '3') return false;
    const auto number = static_cast<unsigned>(word[2] - '0');
    if (word[0] == 'f' && number < 2) {
        drive.kind = MediumKind::Floppy;
        drive.index = number;
    } else if (word[0] == 'h') {
        drive.kind = MediumKind::HardDisk;
        drive.index = number;
    } else if (word[0] == 'c') {
        drive.kind = MediumKind::CdRom;
        drive.index = (number + 2) % 4;
    } else {
        return false;
    }
    return true;
}

void set_interface(const std::string& word, DriveRequest& drive) {
    if (place(word, drive)) return;
    if (word == "floppy" || word == "fd")
        drive.kind = MediumKind::Floppy;
    else if (word == "cd" || word == "cdrom")
        drive.kind = MediumKind::CdRom;
    else if (word == "hd" || word == "disk")
        drive.kind = MediumKind::HardDisk;
    else if (word != "ide") // which says nothing of disk or CD
        unknown_key("--drive if=", word,
                    {"fd0", "fd1", "hd0", "hd1", "hd2", "hd3", "cd0", "cd1", "floppy", "ide", "cd"});
}

void set_mode(const std::string& word, DriveRequest& drive) {
    if (word == "rw")
        drive.mode = MediumMode::ReadWrite;
    else if (word == "ro")
        drive.mode = MediumMode::ReadOnly;
    else if (word == "snapshot" || word == "overlay")
        drive.mode = MediumMode::Snapshot; // overlay=FILE names its file
    else
        unknown_key("--drive mode=", word, {"rw", "ro", "overlay", "snapshot"});
}

void set_format(const std::string& word, DriveRequest& drive) {
    static const std::map<std::string, ImageFormat> formats{
        {"raw", ImageFormat::Raw}, {"qcow2", ImageFormat::Qcow2}, {"vhd", ImageFormat::Vhd}, {"vpc", ImageFormat::Vhd}};
    const auto found = formats.find(word);
    if (found == formats.end()) unknown_key("--drive format=", word, {"raw", "qcow2", "vhd"});
    drive.format = found->second;
}

void set_media(const std::string& word, DriveRequest& drive) {
    if (word == "cdrom")
        drive.kind = MediumKind::CdRom;
    else if (word == "disk")
        drive.kind = MediumKind::HardDisk;
    else
        unknown_key("--drive media=", word, {"disk", "cdrom"});
}

void set_drive_key(const KeyValue& pair, DriveRequest& drive) {
    if (pair.key == "file")
        drive.file = pair.value;
    else if (pair.key == "if")
        set_interface(pair.value, drive);
    else if (pair.key == "index")
        drive.index = static_cast<unsigned>(parse_number(pair.value, 3));
    else if (pair.key == "mode")
        set_mode(pair.value, drive);
    else if (pair.key == "format")
        set_format(pair.value, drive);
    else if (pair.key == "media")
        set_media(pair.value, drive);
    else if (pair.key == "readonly" || pair.key == "read-only") {
        if (parse_switch(pair.value)) drive.mode = MediumMode::ReadOnly;
    } else if (pair.key == "snapshot") {
        if (parse_switch(pair.value)) drive.mode = MediumMode::Snapshot;
    } else if (pair.key == "overlay") {
        drive.mode = MediumMode::Overlay;
        drive.overlay = pair.value;
    } else if (pair.key != "id" && pair.key != "cache" && pair.key != "aio") { // QEMU's, with no meaning here
        unknown_key("--drive", pair.key,
                    {"file", "if", "index", "mode", "format", "media", "readonly", "snapshot", "overlay"});
    }
}

const std::map<std::string, Feature>& feature_table() {
    static const std::map<std::string, Feature> features{
        {"fpu", Feature::FPU},     {"vme", Feature::VME},     {"de", Feature::DE},     {"pse", Feature::PSE},
        {"tsc", Feature::TSC},     {"msr", Feature::MSR},     {"pae", Feature::PAE},   {"mce", Feature::MCE},
        {"cx8", Feature::CX8},     {"apic", Feature::APIC},   {"sep", Feature::SEP},   {"mtrr", Feature::MTRR},
        {"pge", Feature::PGE},     {"mca", Feature::MCA},     {"cmov", Feature::CMOV}, {"pat", Feature::PAT},
        {"pse36", Feature::PSE36}, {"clfsh", Feature::CLFSH}, {"mmx", Feature::MMX},   {"fxsr", Feature::FXSR},
        {"sse", Feature::SSE},     {"sse2", Feature::SSE2},   {"nx", Feature::NX},     {"umip", Feature::UMIP},
        {"v32", Feature::V32}};
    return features;
}

Feature feature_of(const std::string& name) {
    const auto found = feature_table().find(name);
    if (found != feature_table().end()) return found->second;
    unknown_key("--cpu feature", name, cpu_feature_names());
}

CpuModel model_of(const std::string& name) {
    // QEMU's names for processors that are near enough.
    static const std::map<std::string, std::string> others{
        {"486", "i486"},     {"486-v1", "i486"},     {"pentium-v1", "pentium"},   {"pentium2-v1", "pentium2"},
        {"max", "pentium4"}, {"qemu32", "pentium3"}, {"pentium3-v1", "pentium3"}, {"kvm32", "pentium4"}};
    const auto other = others.find(name);
    if (auto model = find_cpu_model(other == others.end() ? name : other->second)) return *model;
    std::vector<std::string> names;
    for (const CpuModel& model : cpu_models()) names.emplace_back(model.name);
    unknown_key("--cpu", name, names);
}

void set_feature(const std::string& name, bool on, PcConfig& pc) {
    if (on)
        pc.cpu.features.add(feature_of(name));
    else
        pc.cpu.features.remove(feature_of(name));
}

// V32 mode is entered by way of an MSR and shows in CR4 (docs/v32.md 2). Who takes the MSRs away from a model that has
// the mode gets neither; who asks for both hears why not.
void settle_v32(PcConfig& pc, const std::optional<bool>& wish) {
    if (wish) set_feature("v32", *wish, pc);
    if (pc.cpu.features.has(Feature::MSR)) return;
    if (wish.value_or(false))
        throw UsageError(fmt::format("--cpu: v32=on needs a processor with CR4 and MSRs: pentium or later, not {}{}",
                                     pc.cpu.name, pc.cpu.name == "i486" ? "" : " without msr"));
    pc.cpu.features.remove(Feature::V32);
}

void add_boot_letters(const std::string& letters, PcConfig& pc) {
    pc.boot.clear();
    for (const char letter : letters) {
        if (letter == 'a' || letter == 'b')
            pc.boot.push_back(BootDevice::Floppy);
        else if (letter == 'c')
            pc.boot.push_back(BootDevice::HardDisk);
        else if (letter == 'd')
            pc.boot.push_back(BootDevice::CdRom);
        else if (letter != 'n') // the network: there is none to boot from
            throw UsageError(
                fmt::format("--boot: '{}' is no drive; a is the floppy, c the hard disk, d the CD", letter));
    }
}

} // namespace

DriveRequest parse_image(const std::string& text) {
    DriveRequest drive;
    const size_t sign = text.find('=');
    if (sign == 3 && place(text.substr(0, 3), drive))
        drive.file = text.substr(4);
    else
        drive.file = text;
    if (drive.file.empty()) throw UsageError(fmt::format("'{}' names no image file", text));
    return drive;
}

DriveRequest parse_drive(const std::string& text) {
    DriveRequest drive;
    for (const KeyValue& pair : split_list(text)) {
        if (pair.has_value)
            set_drive_key(pair, drive);
        else if (drive.file.empty())
            drive.file = pair.key;
        else
            throw UsageError(fmt::format("--drive: '{}' has no value", pair.key));
    }
    if (drive.file.empty()) throw UsageError("--drive needs file=FILE");
    if (drive.kind == MediumKind::Floppy && drive.index.value_or(0) > 1)
        throw UsageError("--drive: there are two floppy drives, index 0 and 1");
    return drive;
}

std::vector<std::string> cpu_feature_names() {
    std::vector<std::string> names;
    for (const auto& [name, feature] : feature_table()) names.push_back(name);
    return names;
}

void parse_cpu(const std::string& text, PcConfig& pc) {
    bool first = true;
    std::optional<bool> v32; // settled when all else is known
    for (const KeyValue& pair : split_list(text)) {
        const std::string& key = pair.key;
        if (first && !pair.has_value && key[0] != '+' && key[0] != '-')
            pc.cpu = model_of(key);
        else if (pair.has_value && key == "v32")
            v32 = parse_switch(pair.value);
        else if (!pair.has_value && (key == "+v32" || key == "-v32"))
            v32 = key[0] == '+';
        else if (pair.has_value && key == "mhz") {
            pc.tsc_mhz = static_cast<u32>(parse_number(pair.value, 100'000));
            if (pc.tsc_mhz == 0) throw UsageError("--cpu mhz=0: a processor needs a clock");
            pc.mips = pc.tsc_mhz;
        } else if (pair.has_value && key == "level") {
            pc.cpu.max_leaf = static_cast<u32>(parse_number(pair.value, 16));
        } else if (pair.has_value)
            set_feature(key, parse_switch(pair.value), pc);
        else if (key.size() > 1 && (key[0] == '+' || key[0] == '-'))
            set_feature(key.substr(1), key[0] == '+', pc);
        else
            throw UsageError(fmt::format("--cpu: '{}' is no feature (+sse2, -pae, v32=off), level=N or mhz=N", key));
        first = false;
    }
    settle_v32(pc, v32);
}

void parse_machine(const std::string& text, PcConfig& pc) {
    for (const KeyValue& pair : split_list(text)) {
        if (!pair.has_value || pair.key == "type") {
            const std::string& name = pair.has_value ? pair.value : pair.key;
            if (name != "pc" && name.rfind("pc-i440fx", 0) != 0) unknown_key("--machine", name, {"pc"});
        } else if (pair.key == "apic")
            pc.apic = parse_switch(pair.value);
        else if (pair.key == "acpi")
            pc.acpi = parse_switch(pair.value);
        else if (pair.key != "accel") // QEMU's: there is one way to execute here
            unknown_key("--machine", pair.key, {"pc", "apic", "acpi"});
    }
}

void parse_boot(const std::string& text, PcConfig& pc) {
    for (const KeyValue& pair : split_list(text)) {
        if (!pair.has_value && pair.key == "menu")
            pc.boot_menu = true;
        else if (!pair.has_value && (pair.key == "cd" || pair.key == "cdrom"))
            add_boot_letters(pair.key == "cd" ? "cd" : "d", pc);
        else if (!pair.has_value && (pair.key == "fd" || pair.key == "floppy"))
            add_boot_letters("a", pc);
        else if (!pair.has_value && (pair.key == "hd" || pair.key == "disk"))
            add_boot_letters("c", pc);
        else if (!pair.has_value)
            add_boot_letters(pair.key, pc);
        else if (pair.key == "order" || pair.key == "once")
            add_boot_letters(pair.value, pc);
        else if (pair.key == "menu")
            pc.boot_menu = parse_switch(pair.value);
        else if (pair.key != "strict" && pair.key != "splash-time")
            unknown_key("--boot", pair.key, {"order", "once", "menu"});
    }
}

} // namespace truering
