// The translator: decoded blocks to x86-64 code.
//
// Guest and host are one family. Guest registers live in the host's of the same names (host_registers.hpp), guest flags
// in the host's EFLAGS (guest_flags.hpp), and an instruction is its own translation (guest_form.hpp). What is
// translated at once is a region (region.hpp).
//
// Total by construction: an instruction without an emitter calls the interpreter's function; an access that needs more
// than the quick look leaves the code, and the interpreter executes the instruction as if nothing had been done of it.
// So faults, devices, breakpoints, self-modifying code need no second implementation.
//
// Life cycle: a region is made when its first block has been executed often, for one physical page at one linear
// address in 32-bit code with flat segments. It dies when one of its blocks does: its entries are taken out of the
// table, and the jumps that had been linked to it lead to the run loop again. Its code may still be in execution; it
// looks after each call whether its block has died. The code's memory is a ring of parts: when one is full the next is
// emptied of its regions.
#pragma once

#include "cpu/interpreter/block_runner.hpp"
#include "jit/x86_64/code_memory.hpp"
#include "jit/x86_64/emitter.hpp"
#include "jit/x86_64/entry_tables.hpp"
#include "jit/x86_64/flag_table.hpp"
#include "jit/x86_64/stubs.hpp"

#include <memory>
#include <optional>
#include <unordered_map>

namespace truering {

class Translator final : public BlockRunner {
  public:
    static constexpr size_t default_code_bytes = size_t{64} << 20;

    // Attaches itself to the processor. Throws std::system_error where no memory for code is to be had.
    explicit Translator(Cpu& cpu, size_t code_bytes = default_code_bytes);
    ~Translator() override;

    bool run(Left& left) override;
    bool find(const Block& block) override;
    bool translate(Block& block) override;
    void killed(Block& block) override;
    void all_discarded() override;

    struct Statistics {
        u64 regions = 0;      // translated
        u64 instructions = 0; // in them
        u64 links = 0;        // direct jumps made between regions
        u64 killed = 0;       // regions that have died
        u64 recycled = 0;     // how often a part of the memory was emptied
    };
    [[nodiscard]] const Statistics& statistics() const { return statistics_; }

  private:
    struct Region;
    struct LinkRecord {
        Link link; // offsets in the code memory
        Region* from = nullptr;
        Region* to = nullptr;
    };
    struct Entry {
        Region* region = nullptr;
        u32 offset = 0; // in the page
        bool needs_flags = true;
    };
    struct Region {
        CodePage* page = nullptr;
        unsigned part = 0;
        std::vector<u32> entries; // addresses
        std::vector<Block*> blocks;
        std::vector<u32> links;    // from it, by number
        std::vector<u32> incoming; // to it
    };

    [[nodiscard]] bool suits() const;
    [[nodiscard]] u32 code_at(u32 eip);
    [[nodiscard]] bool can_begin(const Block& block) const;
    bool attach(const CodePage& page);
    bool make_region(Block& block, CodePage& page);
    enum class Emission : u8 { Done, NoRoom, Refused };
    Emission emit(const RegionPlan& plan, CodePage& page, const u8* guest_bytes);
    void record(const RegionPlan& plan, CodePage& page, const Emitter& emitter, size_t bytes);
    void make_link(u32 number);
    void unlink(LinkRecord& record);
    void patch_jump(size_t at, size_t target);
    void kill(Region& region);
    void next_part();
    void forget_all();

    Cpu& cpu_;
    CodeMemory code_;
    std::vector<ArithmeticFlags> flag_table_ = make_flag_table();
    u32 link_left_ = 0;
    HostUnitsImage units_image_;
    StubAddresses stubs_;
    std::unique_ptr<EntryTables> tables_;
    size_t part_bytes_;
    unsigned part_ = 0;
    size_t used_; // offset of the first free byte in the present part
    std::unordered_map<const Region*, std::unique_ptr<Region>> regions_;
    std::unordered_map<u32, Entry> entries_; // by their address
    std::unordered_multimap<const Block*, Region*> regions_of_;
    std::vector<LinkRecord> links_;
    std::vector<u32> free_links_;
    std::optional<u32> pending_link_; // by which the last run ended
    Statistics statistics_;
};

} // namespace truering
