#include "tests/vmm/bench.hpp"

#include "machine/firmware.hpp"
#include "machine/multiboot.hpp"

#include <fmt/format.h>

#include <elf.h>

#include <cstdlib>
#include <cstring>
#include <regex>
#include <stdexcept>

namespace truering::vmm_tests {

namespace {

// The guest's kernel, which also tells when it is placed.
class WatchedKernel final : public KernelImage {
  public:
    WatchedKernel(std::unique_ptr<KernelImage> kernel, std::vector<u8>& at_start)
        : kernel_(std::move(kernel)), at_start_(at_start) {}

    KernelEntry load(PhysicalMemory& memory, std::span<const MemoryRange> map) override {
        const KernelEntry entry = kernel_->load(memory, map);
        const std::span<const u8> ram = memory.ram();
        at_start_.assign(ram.begin(), ram.end());
        return entry;
    }
    [[nodiscard]] std::string description() const override { return kernel_->description(); }

  private:
    std::unique_ptr<KernelImage> kernel_;
    std::vector<u8>& at_start_;
};

PcConfig config_of(const BenchSetup& setup) {
    PcConfig config;
    config.memory = setup.memory;
    const std::optional<CpuModel> model = find_cpu_model(setup.cpu);
    if (!model) throw std::runtime_error(fmt::format("no processor {}", setup.cpu));
    config.cpu = *model;
    // Ringmaster does not pass the mode on: on the bare machine, too, the guest gets a processor without.
    if (!setup.vmm_options) config.cpu.features.remove(Feature::V32);
    config.drives = setup.drives;
    config.debug_exit_port = DebugExit::usual_port;
    return config;
}

template <class T> T field(const std::vector<u8>& bytes, size_t at) {
    T value{};
    if (at + sizeof value > bytes.size()) throw std::runtime_error("the ELF file ends too early");
    std::memcpy(&value, bytes.data() + at, sizeof value);
    return value;
}

std::string text_at(const std::vector<u8>& bytes, size_t at) {
    std::string text;
    for (; at < bytes.size() && bytes[at] != 0; ++at) text += static_cast<char>(bytes[at]);
    return text;
}

} // namespace

Bench::Bench(const BenchSetup& setup) {
    const Firmware firmware = FirmwareSearch(std::getenv("TRUERING_FIRMWARE")).load({}, {});
    Kernels kernels;
    if (setup.vmm_options) kernels.push_back(open_kernel({ringmaster_path(), *setup.vmm_options, {}}));
    if (!setup.guest.empty())
        kernels.push_back(std::make_unique<WatchedKernel>(open_kernel({setup.guest, {}, {}}), at_start_));
    PcPlugs plugs;
    plugs.serial[0] = &com1_;
    plugs.vmm_console = &console_;
    pc_ = std::make_unique<Pc>(config_of(setup), firmware, plugs, std::move(kernels), [](const std::string&) {});
    policy_.on[static_cast<unsigned>(GuestEvent::Reset)] = Action::Exit;
    policy_.instructions = setup.instructions;
}

End Bench::run() {
    MachineLoop loop(*pc_, nobody_, policy_);
    return loop.run();
}

std::string Bench::serial() const {
    std::string text = com1_.text;
    std::erase(text, '\r');
    return text;
}

Range Bench::hidden() const {
    static const std::regex pattern("hidden at ([0-9A-F]{8})-([0-9A-F]{8})");
    std::smatch match;
    if (!std::regex_search(console_.text, match, pattern)) return {};
    return {std::stoull(match[1].str(), nullptr, 16), std::stoull(match[2].str(), nullptr, 16) + 1};
}

std::string words(const End& end) {
    constexpr const char* reasons[] = {"power off",  "debug exit",        "triple fault", "reset",   "halted for ever",
                                       "time limit", "instruction limit", "until",        "fail-on", "signal",
                                       "quit",       "engines differ"};
    return fmt::format("{}, value {} {}", reasons[static_cast<unsigned>(end.reason)], end.value, end.detail);
}

ElfFile::ElfFile(const std::string& path) {
    const std::vector<u8> file = read_kernel_file(path, "VMM");
    const auto header = field<Elf32_Ehdr>(file, 0);
    const auto section = [&](unsigned n) { return field<Elf32_Shdr>(file, header.e_shoff + n * sizeof(Elf32_Shdr)); };
    const u32 names = section(header.e_shstrndx).sh_offset;
    for (unsigned n = 0; n < header.e_shnum; ++n) {
        const Elf32_Shdr s = section(n);
        const std::string name = text_at(file, names + s.sh_name);
        if (name == ".text" || name == ".rodata") {
            if (s.sh_offset + s.sh_size > file.size()) throw std::runtime_error("the ELF file ends too early");
            const auto first = file.begin() + s.sh_offset;
            parts_.push_back({name, s.sh_addr, {first, first + s.sh_size}});
        }
        if (s.sh_type != SHT_SYMTAB) continue;
        const u32 texts = section(s.sh_link).sh_offset;
        for (u32 at = 0; at + sizeof(Elf32_Sym) <= s.sh_size; at += sizeof(Elf32_Sym)) {
            const auto symbol = field<Elf32_Sym>(file, s.sh_offset + at);
            symbols_.push_back({text_at(file, texts + symbol.st_name), {symbol.st_value, symbol.st_size}});
        }
    }
}

std::optional<ElfFile::Symbol> ElfFile::symbol(const std::string& part_of_name) const {
    for (const Named& named : symbols_)
        if (named.name.find(part_of_name) != std::string::npos) return named.where;
    return std::nullopt;
}

std::string ringmaster_path() { return TRUERING_BUILD "/vmm/ringmaster.elf"; }
std::string image_path(const std::string& name) { return TRUERING_BUILD "/tests/" + name; }

} // namespace truering::vmm_tests
