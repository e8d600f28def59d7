#include "devices/vga_registers.hpp"

#include "devices/vga_timing.hpp"

namespace truering {

namespace {

constexpr u8 monochrome_offset = 0x20; // 3DxH on a colour display is 3BxH on a monochrome one
constexpr u8 io_address_select = 1;
constexpr u8 crtc_protect = 0x80;
constexpr u8 overflow_line_compare = 0x10;

// Bits that exist; the others read as zero.
constexpr std::array<u8, 5> sequencer_bits{0x03, 0x3D, 0x0F, 0x3F, 0x0E};
constexpr std::array<u8, 9> graphics_bits{0x0F, 0x0F, 0x0F, 0x1F, 0x03, 0x7B, 0x0F, 0x0F, 0xFF};
constexpr std::array<u8, 5> attribute_bits{0xEF, 0xFF, 0x3F, 0x0F, 0x0F};

} // namespace

VgaRegisters::VgaRegisters(const Clock& clock) : clock_(clock) { reset(); }

void VgaRegisters::reset() {
    sequencer_ = {};
    crtc_ = {};
    graphics_ = {};
    attribute_ = {};
    sequencer_index_ = crtc_index_ = graphics_index_ = attribute_index_ = 0;
    attribute_expects_data_ = false;
    miscellaneous_output_ = io_address_select; // colour ports, as firmware finds a card that it has not set up
    feature_control_ = video_enable_ = 0;
    dac_ = {};
    dac_width_ = DacWidth::Six;
    pel_mask_ = 0xFF;
    dac_write_index_ = dac_read_index_ = dac_component_ = dac_state_ = 0;
    ++changes_;
}

template <size_t n> void VgaRegisters::store(std::array<u8, n>& file, unsigned index, u8 value) {
    if (index >= n || file[index] == value) return;
    file[index] = value;
    ++changes_;
}

// The CRT controller, input status 1 and feature control stand at 3BxH or at 3DxH.
bool VgaRegisters::decodes(u16 port) const {
    const bool color = (miscellaneous_output_ & io_address_select) != 0;
    if (port < 0x3C0) return !color;
    return port < 0x3D0 || color;
}

u8 VgaRegisters::read(u16 port) {
    if (!decodes(port)) return 0xFF;
    switch (port < 0x3C0 ? port + monochrome_offset : port) {
    case 0x3C0: return attribute_index_;
    case 0x3C1: {
        const unsigned index = attribute_index_ & 0x1F;
        return index < attribute_.size() ? attribute_[index] : u8{0};
    }
    case 0x3C2: return 0x10; // input status 0: the switch sense of a colour display; no interrupt is ever pending
    case 0x3C3: return video_enable_;
    case 0x3C4: return sequencer_index_;
    case 0x3C5: return sequencer_index_ < sequencer_.size() ? sequencer_[sequencer_index_] : u8{0};
    case 0x3C6: return pel_mask_;
    case 0x3C7: return dac_state_;
    case 0x3C8: return dac_write_index_;
    case 0x3C9: return read_dac();
    case 0x3CA: return feature_control_;
    case 0x3CC: return miscellaneous_output_;
    case 0x3CE: return graphics_index_;
    case 0x3CF: return graphics_index_ < graphics_.size() ? graphics_[graphics_index_] : u8{0};
    case 0x3D4: return crtc_index_;
    case 0x3D5: return crtc_index_ < crtc_.size() ? crtc_[crtc_index_] : u8{0};
    case 0x3DA: return read_input_status_1();
    default: return 0xFF;
    }
}

void VgaRegisters::write(u16 port, u8 value) {
    if (!decodes(port)) return;
    switch (port < 0x3C0 ? port + monochrome_offset : port) {
    case 0x3C0: write_attribute(value); break;
    case 0x3C2:
        miscellaneous_output_ = value;
        ++changes_;
        break;
    case 0x3C3: video_enable_ = value & 1; break;
    case 0x3C4: sequencer_index_ = value & 7; break;
    case 0x3C5:
        if (sequencer_index_ < sequencer_.size())
            store(sequencer_, sequencer_index_, value & sequencer_bits[sequencer_index_]);
        break;
    case 0x3C6:
        pel_mask_ = value;
        ++changes_;
        break;
    case 0x3C7:
        dac_read_index_ = value;
        dac_component_ = 0;
        dac_state_ = 3;
        break;
    case 0x3C8:
        dac_write_index_ = value;
        dac_component_ = 0;
        dac_state_ = 0;
        break;
    case 0x3C9: write_dac(value); break;
    case 0x3CE: graphics_index_ = value & 15; break;
    case 0x3CF:
        if (graphics_index_ < graphics_.size())
            store(graphics_, graphics_index_, value & graphics_bits[graphics_index_]);
        break;
    case 0x3D4: crtc_index_ = value & 0x3F; break;
    case 0x3D5: write_crtc(value); break;
    case 0x3DA: feature_control_ = value & 3; break;
    default: break;
    }
}

// One port takes index and data in turn; reading input status 1 makes it expect an index.
void VgaRegisters::write_attribute(u8 value) {
    const bool is_data = attribute_expects_data_;
    attribute_expects_data_ = !is_data;
    if (!is_data) {
        if (((attribute_index_ ^ value) & 0x20) != 0) ++changes_;
        attribute_index_ = value & 0x3F;
        return;
    }
    const unsigned index = attribute_index_ & 0x1F;
    if (index < 16)
        store(attribute_, index, value & 0x3F);
    else if (index < attribute_.size())
        store(attribute_, index, value & attribute_bits[index - 16]);
}

// Timing registers 0-7 can be locked, except for the line compare bit among them.
void VgaRegisters::write_crtc(u8 value) {
    const bool locked = (get(Crtc::VerticalRetraceEnd) & crtc_protect) != 0 && crtc_index_ <= index_of(Crtc::Overflow);
    if (!locked) {
        store(crtc_, crtc_index_, value);
    } else if (crtc_index_ == index_of(Crtc::Overflow)) {
        const unsigned kept = get(Crtc::Overflow) & ~unsigned{overflow_line_compare};
        store(crtc_, crtc_index_, static_cast<u8>(kept | (value & overflow_line_compare)));
    }
}

void VgaRegisters::set_dac_width(DacWidth width) {
    if (width == dac_width_) return;
    dac_width_ = width;
    ++changes_;
}

void VgaRegisters::write_dac(u8 value) {
    dac_[dac_write_index_][dac_component_] = dac_width_ == DacWidth::Eight ? value : value & 0x3F;
    ++changes_;
    if (++dac_component_ < 3) return;
    dac_component_ = 0;
    ++dac_write_index_;
}

u8 VgaRegisters::read_dac() {
    const u8 value = dac_[dac_read_index_][dac_component_];
    if (++dac_component_ == 3) {
        dac_component_ = 0;
        ++dac_read_index_;
    }
    return value;
}

u32 VgaRegisters::color(unsigned n) const {
    u32 rgb = 0;
    for (const u8 component : dac_[n & pel_mask_]) {
        const u32 wide =
            dac_width_ == DacWidth::Eight ? component : (component & 0x3Fu) << 2 | (component & 0x3Fu) >> 4;
        rgb = rgb << 8 | wide;
    }
    return rgb;
}

u8 VgaRegisters::read_input_status_1() {
    attribute_expects_data_ = false;
    const BeamPosition beam = beam_at(*this, clock_.now());
    return static_cast<u8>((beam.displaying ? 0 : 1) | (beam.vertical_retrace ? 8 : 0));
}

unsigned VgaRegisters::visible_lines() const {
    const unsigned overflow = get(Crtc::Overflow);
    return (get(Crtc::VerticalDisplayEnd) | bits(overflow, 1, 1) << 8 | bits(overflow, 6, 6) << 9) + 1;
}

unsigned VgaRegisters::line_compare() const {
    const unsigned bit_8 = bits<unsigned>(get(Crtc::Overflow), 4, 4);
    const unsigned bit_9 = bits<unsigned>(get(Crtc::MaximumScanLine), 6, 6);
    return get(Crtc::LineCompare) | bit_8 << 8 | bit_9 << 9;
}

// Doubleword addressing under chain 4 is where video memory differs from IBM's: four neighbouring bytes are the four
// planes of one address (vga_memory.hpp), so that a counter is the address as it is.
u16 VgaRegisters::plane_address(u32 counter, unsigned row_scan) const {
    const u8 mode = get(Crtc::ModeControl);
    u32 address = counter;
    if ((get(Crtc::UnderlineLocation) & 0x40) != 0) {
        if (!is_chain_4()) address = counter << 2 | bits(counter, 13, 12);
    } else if ((mode & 0x40) == 0) {
        address = counter << 1 | ((mode & 0x20) != 0 ? bits(counter, 15, 15) : bits(counter, 13, 13));
    }
    if ((mode & 1) == 0) address = with_bit(address, 13, (row_scan & 1) != 0);
    if ((mode & 2) == 0) address = with_bit(address, 14, (row_scan & 2) != 0);
    return static_cast<u16>(address);
}

} // namespace truering
