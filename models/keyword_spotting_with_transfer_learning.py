"""Numbers, beginning with the weights of `keyword_spotting_mobilenetv2`: its data and net, other words, few epochs."""

import mltk_like as mltk
from mltk_like.models.keyword_spotting_mobilenetv2 import KeywordSpottingMobilenetV2


class KeywordSpottingWithTransferLearning(KeywordSpottingMobilenetV2):
    version = 1
    description = 'Keyword spotting classifier using transfer learning to detect: "one", "two", "three"'
    # For all nine: --set 'classes=["one", "two", ..., "nine", "_unknown_", "_silence_"]'; each word takes its time.
    classes = ("one", "two", "three", "_unknown_", "_silence_")

    epochs = 10
    steps_per_epoch = 100
    average_weights = 0.98
    unknown_class_percentage = 1.0

    _clips = 200  # of each word

    def lr_schedule(epoch):
        return 5e-4 * 0.95**epoch

    def network(self):
        net = super().network()
        # All layers stay trainable, as on the page; freeze=("*",) would train the new head alone.
        mltk.load_weights_from(net, "keyword_spotting_mobilenetv2")
        return net


my_model = KeywordSpottingWithTransferLearning()

if __name__ == "__main__":
    mltk.main(my_model)
