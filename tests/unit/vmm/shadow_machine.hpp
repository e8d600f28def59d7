// A machine for the shadow to run on: a processor in V32 mode that uses the tables of the guest record, with a TLB that
// keeps all that it may keep, and hands its page faults to the shadow.
#pragma once

#include "tests/unit/vmm/paging_model.hpp"
#include "vmm/shadow/shadow.hpp"

#include <gtest/gtest.h>
#include <random>

namespace vmm_test {

struct Result {
    bool faulted = false;
    u32 error_code = 0;
    u32 frame = 0;
};

class ShadowMachine {
  public:
    TableMemory memory;
    ringmaster::Shadow shadow;

    explicit ShadowMachine(u32 pool_pages) : pool_(static_cast<size_t>(pool_pages + 1) * page_size) {
        ringmaster::ShadowSetup setup;
        setup.memory.reach = [](void* self, u32 frame) {
            return static_cast<ShadowMachine*>(self)->memory.bytes(frame);
        };
        setup.memory.context = this;
        setup.memory.hidden = {TableMemory::hidden_first, TableMemory::hidden_count};
        setup.memory.empty_frame = TableMemory::empty_frame;
        setup.memory.substitutes[0] = {TableMemory::patched_frame, TableMemory::patch_frame};
        setup.memory.substitute_count = 1;
        const size_t address = reinterpret_cast<size_t>(pool_.data());
        pool_base_ = pool_.data() + (page_size - address % page_size) % page_size;
        setup.pool = pool_base_;
        setup.pool_physical = (TableMemory::hidden_first + 16) * page_size;
        setup.pool_pages = pool_pages_ = pool_pages;
        shadow.start(setup);
    }

    // A guest's access; page faults that it never sees are the shadow's.
    Result access(u32 linear, Kind kind, Ring ring) {
        for (unsigned faults = 0; faults < 8; ++faults) {
            enter();
            u32 code = 0;
            u32 frame = 0;
            if (hardware(linear, kind, ring, code, frame)) return {.frame = frame};
            tlb_.erase(linear >> 12);
            const ringmaster::FaultVerdict verdict = shadow.page_fault(linear, code);
            if (verdict.answer == ringmaster::FaultAnswer::Inject) {
                EXPECT_EQ(verdict.fault.linear, linear);
                return {.faulted = true, .error_code = verdict.fault.error_code};
            }
        }
        ADD_FAILURE() << "the shadow never maps " << std::hex << linear;
        return {.faulted = true, .error_code = ~u32{0}};
    }

    void evict(std::mt19937& random) {
        if (!tlb_.empty()) tlb_.erase(std::next(tlb_.begin(), static_cast<long>(random() % tlb_.size())));
    }

  private:
    struct Cached {
        u64 entry; // of the leaf, with the rights of both levels
        u32 frame;
    };

    void enter() {
        const u32 old_cr4 = area_.guest.cr4;
        shadow.prepare(area_);
        const u32 changed = old_cr4 ^ area_.guest.cr4;
        const bool PGE = ((area_.guest.cr4 >> 7) & 1) != 0;
        const bool all = area_.tlb_drop == v32::drop_all || (area_.tlb_drop == v32::drop_non_global && !PGE);
        if (all || (changed & 0xB0) != 0)
            tlb_.clear();
        else if (area_.tlb_drop == v32::drop_non_global)
            std::erase_if(tlb_, [](const auto& item) { return (item.second.entry & 0x100) == 0; });
        else if (area_.tlb_drop == v32::drop_page)
            tlb_.erase(area_.tlb_address >> 12);
        EXPECT_EQ(area_.guest.cr0 & 0x8001'0000, 0x8001'0000);
        EXPECT_NE(area_.guest.cr4 & 0x20, 0);
        EXPECT_EQ(area_.guest.efer[0] & 0x800, 0x800);
    }

    u64 pool_entry(u64 physical) {
        const u64 offset = physical - (TableMemory::hidden_first + 16) * u64{page_size};
        EXPECT_LT(offset, u64{pool_pages_} * page_size);
        u64 value = 0;
        std::memcpy(&value, pool_base_ + offset, 8);
        return value;
    }

    // An access in V32 mode, with CR0.WP=1 and EFER.NXE=1.
    bool hardware(u32 linear, Kind kind, Ring ring, u32& code, u32& frame) {
        auto found = tlb_.find(linear >> 12);
        if (found == tlb_.end()) {
            Cached cached{};
            if (!hardware_walk(linear, cached)) {
                code = error_code(kind, ring);
                return false;
            }
            found = tlb_.emplace(linear >> 12, cached).first;
        }
        const u64 entry = found->second.entry;
        frame = found->second.frame;
        const bool refused = (ring == Ring::User && (entry & 4) == 0) || (kind == Kind::Write && (entry & 2) == 0) ||
                             (kind == Kind::Fetch && (entry >> 63) != 0);
        if (refused) code = error_code(kind, ring) | 1;
        return !refused;
    }
    static u32 error_code(Kind kind, Ring ring) {
        return (kind == Kind::Write ? 2u : 0u) | (ring == Ring::User ? 4u : 0u) | (kind == Kind::Fetch ? 16u : 0u);
    }
    bool hardware_walk(u32 linear, Cached& cached) {
        constexpr u64 reserved = 0x7FFF'FFF0'0000'0000;
        const u64 pointer = pool_entry(area_.guest.cr3 + (linear >> 30) * 8);
        if ((pointer & 1) == 0) return false;
        EXPECT_EQ(pointer & 0xFFFF'FFF0'0000'01E6, 0);
        const u64 directory = pool_entry((pointer & 0xF'FFFF'F000) + ((linear >> 21) & 511) * 8);
        if ((directory & 1) == 0) return false;
        EXPECT_EQ(directory & reserved, 0);
        if ((directory & 0x80) != 0) {
            EXPECT_EQ(directory & 0x1F'E000, 0);
            cached = {directory, static_cast<u32>((directory & 0xF'FFE0'0000) >> 12) + ((linear >> 12) & 511)};
            return true;
        }
        const u64 leaf = pool_entry((directory & 0xF'FFFF'F000) + ((linear >> 12) & 511) * 8);
        if ((leaf & 1) == 0) return false;
        EXPECT_EQ(leaf & reserved, 0);
        constexpr u64 both = 6;
        constexpr u64 NX = u64{1} << 63;
        cached.entry = (leaf & ~(both | NX)) | (leaf & directory & both) | ((leaf | directory) & NX);
        cached.frame = static_cast<u32>((leaf & 0xF'FFFF'F000) >> 12);
        return true;
    }

    std::vector<u8> pool_;
    u8* pool_base_ = nullptr;
    u32 pool_pages_ = 0;
    std::map<u32, Cached> tlb_;
    v32::ControlArea area_ = {};
};

} // namespace vmm_test
