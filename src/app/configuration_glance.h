// The configuration's section `glance`.
#pragma once

namespace visor::app {

/// What the Image API's front end does as its operator wants it.
struct GlanceSettings {
  /// Data whose format is another than its image says is refused.
  bool strict_formats = true;
};

}  // namespace visor::app
