#include "devices/vga_text.hpp"

#include <algorithm>

namespace truering {

namespace {

constexpr unsigned max_columns = 256;

constexpr std::u16string_view control_pictures = u" ☺☻♥♦♣♠•◘○◙♂♀♪♫☼►◄↕‼¶§▬↨↑↓→←∟↔▲▼";
constexpr std::u16string_view upper_half = u"ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»"
                                           u"░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀"
                                           u"αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■ ";
static_assert(control_pictures.size() == 32 && upper_half.size() == 128);

} // namespace

std::string utf8_from_cp437(u8 character) {
    u32 code = character;
    if (character < 0x20) code = control_pictures[character];
    if (character == 0x7F) code = u'⌂';
    if (character >= 0x80) code = upper_half[character - 0x80];
    std::string out;
    if (code < 0x80) {
        out += static_cast<char>(code);
    } else if (code < 0x800) {
        out += static_cast<char>(0xC0 | code >> 6);
        out += static_cast<char>(0x80 | (code & 0x3F));
    } else {
        out += static_cast<char>(0xE0 | code >> 12);
        out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
        out += static_cast<char>(0x80 | (code & 0x3F));
    }
    return out;
}

std::string TextScreen::row(unsigned n) const {
    if (n >= rows) return {};
    const auto is_blank = [](const TextCell& cell) {
        return cell.character == 0 || cell.character == ' ' || cell.character == 0xFF;
    };
    const TextCell* const first = cells.data() + size_t{n} * columns;
    unsigned length = columns;
    while (length > 0 && is_blank(first[length - 1])) --length;
    std::string out;
    for (unsigned i = 0; i < length; ++i) out += utf8_from_cp437(first[i].character);
    return out;
}

std::string TextScreen::text() const {
    std::string out;
    size_t length = 0; // up to the end of the last row that holds anything
    for (unsigned n = 0; n < rows; ++n) {
        const std::string line = row(n);
        out += line + '\n';
        if (!line.empty()) length = out.size();
    }
    out.resize(length);
    return out;
}

std::optional<TextScreen> read_text_screen(const VgaRegisters& registers, const VbeDispi& dispi,
                                           std::span<const u8> vram) {
    if (registers.is_graphics() || dispi.is_enabled()) return std::nullopt;
    TextScreen screen;
    const unsigned lines_per_row = registers.scans_per_row() * (registers.is_double_scanned() ? 2 : 1);
    screen.columns = std::min(registers.characters_per_line(), max_columns);
    screen.rows = registers.visible_lines() / lines_per_row;
    screen.cells.reserve(size_t{screen.columns} * screen.rows);
    const u16 cursor = registers.cursor_address();
    const bool cursor_shown = (registers.get(Crtc::CursorStart) & 0x20) == 0;
    for (unsigned row = 0; row < screen.rows; ++row)
        for (unsigned column = 0; column < screen.columns; ++column) {
            const u32 counter = (registers.start_address() + row * registers.row_offset() + column) & 0xFFFF;
            const size_t at = size_t{registers.plane_address(counter, 0)} * 4;
            screen.cells.push_back({vram[at], vram[at + 1]});
            if (counter != cursor || screen.cursor_visible) continue;
            screen.cursor_row = row;
            screen.cursor_column = column;
            screen.cursor_visible = cursor_shown;
        }
    return screen;
}

} // namespace truering
