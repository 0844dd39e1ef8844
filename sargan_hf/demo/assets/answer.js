// What the server made of a wish.
watch("value", () => desk.answered(props.value));
