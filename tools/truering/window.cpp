// The window: picture by SDL's renderer in whole multiples of the guest's pixels, keys by their place, the mouse while
// the window holds it.
//
// A click takes the mouse in; Ctrl-Alt-G lets it out. Ctrl-Alt-F is the whole screen and back. Closing quits.
#include "tools/truering/display.hpp"
#include "tools/truering/window_keys.hpp"

#include <SDL.h>
#include <fmt/format.h>

namespace truering {

namespace {

using namespace std::chrono_literals;

constexpr auto frame_time = 16ms;
constexpr int first_width = 720;
constexpr int first_height = 400;

class Window final : public Display {
  public:
    Window(std::string title, bool full_screen) : title_(std::move(title)) {
        SDL_SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1"); // signals are the terminal's
        SDL_SetHint(SDL_HINT_RENDER_SCALE_QUALITY, "nearest");
        if (SDL_Init(SDL_INIT_VIDEO) != 0) throw DisplayError(fmt::format("no window: {}", SDL_GetError()));
        constexpr int anywhere = static_cast<int>(SDL_WINDOWPOS_UNDEFINED);
        window_ = SDL_CreateWindow(title_.c_str(), anywhere, anywhere, first_width, first_height,
                                   SDL_WINDOW_RESIZABLE | (full_screen ? SDL_WINDOW_FULLSCREEN_DESKTOP : 0));
        if (window_ != nullptr) renderer_ = SDL_CreateRenderer(window_, -1, 0);
        if (renderer_ == nullptr) {
            const std::string reason = SDL_GetError();
            close();
            throw DisplayError(fmt::format("no window: {}", reason));
        }
        set_status("");
    }
    Window(const Window&) = delete;
    Window& operator=(const Window&) = delete;
    ~Window() override { close(); }

    void update(Pc& pc) override {
        for (SDL_Event event; SDL_PollEvent(&event) != 0;) take(event, pc);
        const auto present = std::chrono::steady_clock::now();
        if (present - drawn_ < frame_time) return;
        drawn_ = present;
        if (pc.vga.update(frame_))
            fit_texture();
        else if (!exposed_)
            return;
        draw();
    }

    void set_status(const std::string& line) override {
        status_ = line;
        show_title();
    }
    [[nodiscard]] bool wants_to_quit() const override { return quit_; }
    [[nodiscard]] std::chrono::milliseconds patience() const override { return 8ms; }

  private:
    void close() {
        if (texture_ != nullptr) SDL_DestroyTexture(texture_);
        if (renderer_ != nullptr) SDL_DestroyRenderer(renderer_);
        if (window_ != nullptr) SDL_DestroyWindow(window_);
        SDL_Quit();
    }

    void show_title() {
        std::string line = title_;
        if (!status_.empty()) line += " - " + status_;
        if (grabbed_) line += " - Ctrl-Alt-G frees the mouse";
        SDL_SetWindowTitle(window_, line.c_str());
    }

    // The guest changed its mode: the window follows, in the largest whole multiple that fits half the screen.
    void fit_texture() {
        const int width = static_cast<int>(frame_.width), height = static_cast<int>(frame_.height);
        if (width == 0 || height == 0 || (texture_ != nullptr && width == width_ && height == height_)) return;
        if (texture_ != nullptr) SDL_DestroyTexture(texture_);
        texture_ = SDL_CreateTexture(renderer_, SDL_PIXELFORMAT_RGB888, SDL_TEXTUREACCESS_STREAMING, width, height);
        width_ = width;
        height_ = height;
        SDL_RenderSetLogicalSize(renderer_, width, height);
        const Uint32 flags = SDL_GetWindowFlags(window_);
        if ((flags & (SDL_WINDOW_FULLSCREEN_DESKTOP | SDL_WINDOW_MAXIMIZED)) != 0) return;
        constexpr int small = 400; // such pictures are doubled
        const int factor = width <= small ? 2 : 1;
        SDL_SetWindowSize(window_, width * factor, height * factor);
    }

    void draw() {
        exposed_ = false;
        if (texture_ == nullptr) return;
        SDL_UpdateTexture(texture_, nullptr, frame_.pixels.data(), static_cast<int>(frame_.width * sizeof(u32)));
        int width = 0, height = 0;
        SDL_GetRendererOutputSize(renderer_, &width, &height);
        // Whole multiples only where at least one fits.
        SDL_RenderSetIntegerScale(renderer_, width >= width_ && height >= height_ ? SDL_TRUE : SDL_FALSE);
        SDL_SetRenderDrawColor(renderer_, 0, 0, 0, SDL_ALPHA_OPAQUE);
        SDL_RenderClear(renderer_);
        SDL_RenderCopy(renderer_, texture_, nullptr, nullptr);
        SDL_RenderPresent(renderer_);
    }

    void take(const SDL_Event& event, Pc& pc) {
        switch (event.type) {
        case SDL_QUIT: quit_ = true; break;
        case SDL_WINDOWEVENT:
            exposed_ = true;
            if (event.window.event == SDL_WINDOWEVENT_FOCUS_LOST) {
                grab(false);
                pc.take(AllKeysReleased{});
            }
            break;
        case SDL_KEYDOWN:
            if (event.key.repeat == 0 && !own_key(event.key)) press(pc, event.key.keysym.scancode, true);
            break;
        case SDL_KEYUP: press(pc, event.key.keysym.scancode, false); break;
        case SDL_MOUSEBUTTONDOWN:
        case SDL_MOUSEBUTTONUP: mouse_button(pc, event.button); break;
        case SDL_MOUSEMOTION:
            if (grabbed_) pc.take(MouseInput{event.motion.xrel, event.motion.yrel, 0, buttons_});
            break;
        case SDL_MOUSEWHEEL:
            if (grabbed_) pc.take(MouseInput{0, 0, -event.wheel.y, buttons_});
            break;
        default: break;
        }
    }

    // Ctrl-Alt with G or F is ours.
    bool own_key(const SDL_KeyboardEvent& event) {
        const bool ours = (event.keysym.mod & KMOD_CTRL) != 0 && (event.keysym.mod & KMOD_ALT) != 0;
        if (!ours) return false;
        if (event.keysym.scancode == SDL_SCANCODE_G)
            grab(!grabbed_);
        else if (event.keysym.scancode == SDL_SCANCODE_F) {
            const bool full = (SDL_GetWindowFlags(window_) & SDL_WINDOW_FULLSCREEN_DESKTOP) != 0;
            SDL_SetWindowFullscreen(window_, full ? 0 : SDL_WINDOW_FULLSCREEN_DESKTOP);
        } else {
            return false;
        }
        return true;
    }

    static void press(Pc& pc, SDL_Scancode code, bool pressed) {
        if (const auto key = key_of(code)) pc.take(KeyInput{*key, pressed});
    }

    void mouse_button(Pc& pc, const SDL_MouseButtonEvent& event) {
        if (!grabbed_) {
            if (event.type == SDL_MOUSEBUTTONDOWN && event.button == SDL_BUTTON_LEFT) grab(true);
            return; // this click belongs to the window
        }
        u8 button = 0;
        if (event.button == SDL_BUTTON_LEFT) button = Ps2Mouse::left_button;
        if (event.button == SDL_BUTTON_RIGHT) button = Ps2Mouse::right_button;
        if (event.button == SDL_BUTTON_MIDDLE) button = Ps2Mouse::middle_button;
        if (event.button == SDL_BUTTON_X1) button = Ps2Mouse::fourth_button;
        if (event.button == SDL_BUTTON_X2) button = Ps2Mouse::fifth_button;
        const bool down = event.type == SDL_MOUSEBUTTONDOWN;
        buttons_ = static_cast<u8>(down ? buttons_ | button : buttons_ & ~button);
        pc.take(MouseInput{0, 0, 0, buttons_});
    }

    void grab(bool on) {
        grabbed_ = on;
        SDL_SetRelativeMouseMode(on ? SDL_TRUE : SDL_FALSE);
        SDL_SetWindowGrab(window_, on ? SDL_TRUE : SDL_FALSE);
        show_title();
    }

    std::string title_;
    std::string status_;
    SDL_Window* window_ = nullptr;
    SDL_Renderer* renderer_ = nullptr;
    SDL_Texture* texture_ = nullptr;
    int width_ = 0;
    int height_ = 0;
    Frame frame_;
    std::chrono::steady_clock::time_point drawn_;
    bool exposed_ = true;
    bool grabbed_ = false;
    bool quit_ = false;
    u8 buttons_ = 0;
};

} // namespace

std::unique_ptr<Display> open_window(const std::string& title, bool full_screen) {
    return std::make_unique<Window>(title, full_screen);
}

} // namespace truering
