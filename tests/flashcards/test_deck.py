"""The deck that comes with Engram: fifty whole cards, in order, each with what its answer must say."""

import json
import re

import pytest
from django.conf import settings

from flashcards import cards, deckfiles, seeding
from flashcards.models import Card, Deck

FILE = settings.BASE_DIR / "fixtures" / "ai_interview_top_50.json"
TOPICS = ["AI Fundamentals", "Machine Learning", "Deep Learning", "Generative AI", "MLOps"]
LEVELS = {"fresher", "mid", "senior"}

# What an interviewer expects to hear, card by card in the deck's order.
FACTS = r"""
artificial-intelligence: computer science | human intelligence | learning | reasoning | problem-solving | perception | decision-making
machine-learning: subset of AI | patterns in data | explicitly programmed | performance
ai-vs-ml-vs-dl: broad concept | subset of AI | learns from data | neural networks | multiple layers
types-of-machine-learning: supervised learning | unsupervised learning | semi-supervised learning | reinforcement learning
supervised-learning: labelled | new inputs | email spam detection | house price prediction | credit risk assessment
unsupervised-learning: hidden patterns | without labels | customer segmentation | anomaly detection | recommendation systems
reinforcement-learning: agent | rewards | penalties | environment | robotics | game-playing AI | autonomous vehicles
overfitting: noise | unseen data | training
underfitting: too simple | patterns
reducing-overfitting: cross-validation | regularisation | more training data | early stopping | feature selection | dropout layers
feature: measurable property | input
feature-engineering: raw data | inputs | predicts better
train-test-split: training set | test set | unseen data
cross-validation: repeatedly | training part | validation part | performance
bias: assumptions | error
variance: sensitivity to the training data
bias-variance-tradeoff: balance | bias | variance | generalisation
confusion-matrix: true positives | true negatives | false positives | false negatives | classifier
precision: positive predictions | email spam detection | automated content moderation | false positive | \text{TP} + \text{FP}
recall: sensitivity | medical diagnostics | cancer detection | fraud prevention | false negative | \text{TP} + \text{FN}
deep-learning: multi-layer neural networks | automatically | complex patterns | large datasets
neural-network: nodes | connected | process information | human brain
activation-functions: non-linearity | ReLU | sigmoid | tanh | softmax
backpropagation: weights | error signal | backwards
gradient-descent: optimisation algorithm | minimises | error
cnn: convolutional neural network | image processing
rnn: recurrent neural network | sequential data | text | speech | time series
lstm: long short-term memory | long-term dependencies | RNN
transfer-learning: pre-trained | fine-tuning | new task
transformers: self-attention | RNNs or LSTMs | in parallel | long-range dependencies | context | large language models | GPT-4 | Claude | Gemini
generative-ai: new content | text | images | code | audio | video | patterns
llm: large language model | transformer | massive text | human-like language
prompt-engineering: instructions | desired output
rag: retrieval-augmented generation | external knowledge base | embedding | vector database | semantically | grounding context | hallucinations | continuous fine-tuning
fine-tuning: pre-trained | specific task | domain-specific
tokenization: tokens | units | language model
hallucination: plausible | factually incorrect
embeddings: numerical vectors | represent data | semantic meaning
context-window: consider | conversation or task
llm-evaluation: accuracy | relevance | faithfulness | latency | human evaluation | task completion rate
mlops: machine learning | DevOps | data engineering | automates | lifecycle
why-mlops: faster | reliab | performance monitoring | automated retraining | scale
model-drift: performance | real-world data | over time
data-drift: production inputs | training data
model-versioning: dataset | code | parameters | deployed model
mlops-tools: MLflow | Kubeflow | Docker | Kubernetes | Airflow | TensorFlow Serving | SageMaker
ci-cd-mlops: build | test | validation | deploy
monitoring-production-models: accuracy | latency | resource usage | data drift | prediction quality
model-registry: stores | manage | lifecycle
ai-project-lifecycle: business understanding | data collection | data preparation | feature engineering | model training | evaluation | deployment | monitoring | retraining | continuous improvement
""".strip()  # noqa: E501


@pytest.fixture(scope="module")
def objects():
    return json.loads(FILE.read_text("utf-8"))


@pytest.fixture(scope="module")
def deck(objects):
    """Return the fields of the fifty cards, in the file's order."""
    return [item["fields"] for item in objects if item["model"] == "flashcards.card"]


@pytest.fixture(scope="module")
def content():
    return deckfiles.read([FILE])


def words(card):
    """Return all that a card says, without its question, in lower case and without marks of emphasis."""
    points = [point["text"] for point in card["key_points"]]
    asked = [text for pair in card["follow_ups"] for text in pair.values()]
    parts = [card["answer"], card["formula"], card["formula_note"], card["practice"], *points, *asked]
    return " ".join(" ".join(parts).replace("*", "").lower().split())


def test_fifty_cards_ten_to_a_topic_in_order(objects, deck):
    topics = [item["fields"] for item in objects if item["model"] == "flashcards.topic"]
    assert [topic["name"] for topic in topics] == TOPICS
    assert [card["position"] for card in deck] == list(range(1, 51))
    assert [card["topic"] for card in deck] == [[topic["key"]] for topic in topics for _ in range(10)]
    assert all(item.keys() == {"model", "fields"} for item in objects)


def test_the_deck_and_its_cards_have_the_names_that_others_rely_on(content):
    assert [(deck.key, deck.name) for deck in content.decks.values()] == [
        ("ai-interview-top-50", "AI interview: top 50")
    ]
    assert "precision" in content.cards


def test_every_card_is_whole(content):
    for card in content.cards.values():
        assert cards.problems(card) == []
        assert cards.gaps(card, card.html) == []
        assert card.level in LEVELS


def test_every_card_can_be_said_aloud(deck):
    for card in deck:
        lede, *rest = card["answer"].split("\n\n")
        assert len(lede.split()) <= 31, card["key"]
        assert 60 <= len(" ".join(rest).split()) <= 170, card["key"]
        assert 30 <= len(card["practice"].split()) <= 75, card["key"]
        assert all(len(point["text"].split()) <= 15 for point in card["key_points"]), card["key"]


@pytest.mark.parametrize("line", FACTS.splitlines(), ids=lambda line: line.partition(":")[0])
def test_the_answer_says_what_an_interviewer_expects(deck, line):
    key, _, facts = line.partition(": ")
    said = words(next(card for card in deck if card["key"] == key))
    assert [fact for fact in facts.split(" | ") if fact.lower() not in said] == []


def test_every_card_is_expected_to_say_something(deck):
    assert [line.partition(":")[0] for line in FACTS.splitlines()] == [card["key"] for card in deck]


def test_the_texts_keep_to_the_style_of_the_deck(deck):
    for card in deck:
        prose = re.sub(r"`[^`]*`|\$[^$]*\$", "", words(card))
        assert not re.search("[—!\"']|crucial|delve|leverage|powerful|robust", prose), card["key"]


@pytest.mark.django_db
def test_the_deck_seeds_and_seeds_again():
    assert str(seeding.seed([FILE])) == "50 cards: 50 created, 0 updated, 0 unchanged, 0 retired."
    assert str(seeding.seed([FILE])) == "50 cards: 0 created, 0 updated, 50 unchanged, 0 retired."
    assert (Deck.objects.count(), Card.objects.filter(html={}).count()) == (1, 0)
