#include "rules/forecast/simplex.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace barograph::rules::forecast {
namespace {

struct Corner {
  Values point;
  double loss = 0;
};

/// The point at `factor` times the way from the worst corner to the centre of the others.
Values Along(const Values& centre, const Values& worst, double factor) {
  Values point(centre.size());
  for (std::size_t i = 0; i < point.size(); ++i) {
    point[i] = worst[i] + factor * (centre[i] - worst[i]);
  }
  return point;
}

class Simplex {
 public:
  Simplex(const Loss& loss, const Values& start, const Values& step) : loss_(loss) {
    corners_.push_back(At(start));
    for (std::size_t i = 0; i < start.size(); ++i) {
      Values point = start;
      point[i] += step[i];
      corners_.push_back(At(point));
    }
    Sort();
  }

  [[nodiscard]] int evaluations() const { return evaluations_; }
  [[nodiscard]] const Values& lowest() const { return corners_.front().point; }
  [[nodiscard]] bool IsFlat() const {
    constexpr double kFlat = 1e-8;
    const double low = corners_.front().loss;
    return corners_.back().loss - low <= kFlat * std::abs(low);
  }

  void Move() {
    const Values centre = Centre();
    const Corner reflected = At(Along(centre, corners_.back().point, 2));
    if (reflected.loss < corners_.front().loss) {
      Corner far = At(Along(centre, corners_.back().point, 3));
      corners_.back() = far.loss < reflected.loss ? far : reflected;
    } else if (reflected.loss < corners_[corners_.size() - 2].loss) {
      corners_.back() = reflected;
    } else {
      Contract(centre, reflected);
    }
    Sort();
  }

 private:
  Corner At(Values point) {
    ++evaluations_;
    const double loss = loss_(point);
    return {std::move(point), loss};
  }

  void Sort() {
    std::stable_sort(corners_.begin(), corners_.end(),
                     [](const Corner& a, const Corner& b) { return a.loss < b.loss; });
  }

  [[nodiscard]] Values Centre() const {
    Values centre(corners_.size() - 1, 0.0);
    for (std::size_t c = 0; c + 1 < corners_.size(); ++c) {
      for (std::size_t i = 0; i < centre.size(); ++i) centre[i] += corners_[c].point[i];
    }
    for (double& each : centre) each /= static_cast<double>(centre.size());
    return centre;
  }

  void Contract(const Values& centre, const Corner& reflected) {
    const bool outside = reflected.loss < corners_.back().loss;
    Corner nearer = At(Along(centre, corners_.back().point, outside ? 1.5 : 0.5));
    if (nearer.loss < std::min(reflected.loss, corners_.back().loss)) {
      corners_.back() = std::move(nearer);
      return;
    }
    for (std::size_t c = 1; c < corners_.size(); ++c) {
      corners_[c] = At(Along(corners_.front().point, corners_[c].point, 0.5));
    }
  }

  const Loss& loss_;
  std::vector<Corner> corners_;
  int evaluations_ = 0;
};

}  // namespace

Values LowestPoint(const Loss& loss, const Values& start, const Values& step, int evaluations_max) {
  Simplex simplex(loss, start, step);
  while (simplex.evaluations() < evaluations_max && !simplex.IsFlat()) simplex.Move();
  return simplex.lowest();
}

}  // namespace barograph::rules::forecast
